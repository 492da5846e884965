"""A reward learned from people in other people's training: Stable-Baselines3, Gymnasium, TorchRL, RLlib."""
