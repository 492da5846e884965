"""Every test runs with the shapes and types of the numeric packages checked, and without silent rank promotion."""

import os
import tempfile
from pathlib import Path

# Matrices are small, and threads of two workers would wait for each other, ten times as long. Set before NumPy comes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Rendering needs no display. Set before MuJoCo comes, which chooses as it is imported.
os.environ.setdefault("MUJOCO_GL", "egl")

# Compiled programs are shared by the workers and the processes that tests start; set before JAX is imported.
_CACHE = Path(tempfile.gettempdir()) / f"rl-teacher-tests-{os.getuid()}-jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

from rl_teacher.device import prefer_cpu

prefer_cpu()  # JAX_PLATFORMS=cuda runs the tests on a GPU, as it would run a training

import hypothesis
import jax
import jaxtyping

jax.config.update("jax_numpy_rank_promotion", "raise")

# Before any of these is imported.
_HOOK = jaxtyping.install_import_hook(
    ["rl_teacher.core", "rl_teacher.agents", "rl_teacher.rewards", "rl_teacher.preferences", "rl_teacher.rollouts"],
    "beartype.beartype",
)

# The first example of a property compiles; processors are shared.
hypothesis.settings.register_profile("rl-teacher", deadline=None)
hypothesis.settings.load_profile("rl-teacher")
