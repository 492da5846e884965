"""The nine tasks, and the simulations that they run on."""
