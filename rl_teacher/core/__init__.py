"""Pure mathematics of teaching from preferences: arrays in, arrays out."""
