"""An ensemble of small networks as reward model, as in 2017."""
