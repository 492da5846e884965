"""Every test runs with the shapes and types of the numeric packages checked, and without silent rank promotion."""

import hypothesis
import jax
import jaxtyping

jax.config.update("jax_numpy_rank_promotion", "raise")

# Before anything of ours is imported.
_HOOK = jaxtyping.install_import_hook(
    ["rl_teacher.core", "rl_teacher.agents", "rl_teacher.rewards", "rl_teacher.preferences", "rl_teacher.rollouts"],
    "beartype.beartype",
)

# The first example of a property compiles; processors are shared.
hypothesis.settings.register_profile("rl-teacher", deadline=None)
hypothesis.settings.load_profile("rl-teacher")
