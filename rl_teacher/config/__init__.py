"""Every setting of a run with its default, the flags made from them, and presets."""
