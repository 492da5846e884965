"""Rendering needs no display: set before any test imports MuJoCo."""

import os

os.environ.setdefault("MUJOCO_GL", "egl")
