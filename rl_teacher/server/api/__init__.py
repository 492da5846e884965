"""The JSON API of trainers and labelers."""
