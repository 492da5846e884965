"""How long a clip is where nobody says: 1.5 s, or less where that would be too many steps, or more than an episode.

Games say themselves how many steps a clip of them has.
"""

import dataclasses

from rl_teacher.config.run import RunConfig
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError, SegmentTooLong

DEFAULT_SECONDS = 1.5
"""As in the program of 2017."""
MOST_STEPS = 64
"""Where episodes can end early: of two longer clips nearly every answer is about which one lived longer.

Hopper-v5 makes 187 steps in 1.5 s, and falls after 25 at first: taught with such clips, it stood still in two of three
runs, and in none of three with clips of 62 steps (docs/notebook.md).
"""


def with_clip_length(config: RunConfig, spec: EnvSpec) -> RunConfig:
    """The configuration with the length of a clip if it was not set: 1.5 s, or a whole episode where it is shorter.

    Where episodes end early a clip may run into the end of one (docs/ends.md), so it need not fit into each. There it
    has at most MOST_STEPS.
    """
    if config.clip_length is not None:
        return config
    if spec.clip_steps is not None:
        return dataclasses.replace(config, clip_length=spec.clip_steps / spec.clip_fps)
    wanted = _steps(DEFAULT_SECONDS, spec)
    steps = min(wanted, spec.horizon or wanted, wanted if spec.is_fixed_horizon else MOST_STEPS)
    return dataclasses.replace(config, clip_length=DEFAULT_SECONDS if steps == wanted else steps / spec.clip_fps)


def steps_of_segment(config: RunConfig, spec: EnvSpec) -> int:
    """int(seconds * frames per second), as in the program of 2017: one frame per step."""
    assert config.clip_length is not None, "with_clip_length() fills it in"
    steps = _steps(config.clip_length, spec)
    if steps < 1:
        raise ConfigError(
            f"-c/--clip_length: {config.clip_length} s at {spec.clip_fps} steps/s is no step. "
            f"Use at least {1 / spec.clip_fps:.3g}."
        )
    if config.predictor != "rl" and spec.horizon is not None and steps > spec.horizon:
        raise SegmentTooLong(
            f"env {spec.env_id!r}: a segment of {config.clip_length:g} s at {spec.clip_fps} steps/s is {steps} steps, "
            f"an episode has {spec.horizon}. Use --clip-length {spec.horizon / spec.clip_fps:g} or less (docs/envs.md)."
        )
    return steps


def _steps(seconds: float, spec: EnvSpec) -> int:
    return int(seconds * spec.clip_fps + 1e-6)  # 29 / 50 * 50 is less than 29
