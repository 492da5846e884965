"""A convolutional network as reward model, for pictures."""
