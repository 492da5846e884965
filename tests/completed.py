"""Settings as `rl-teacher teach` completes them."""

from collections.abc import Sequence

from rl_teacher.config.flags import parse
from rl_teacher.config.run import RunConfig
from rl_teacher.envs.catalog import find_env
from rl_teacher.training.complete import complete
from rl_teacher.training.segment_length import with_clip_length


def completed(config: RunConfig) -> tuple[RunConfig, list[str]]:
    """The configuration that a run has, and what the user is told."""
    spec = find_env(config.env_id)
    config, notes = complete(config, spec)
    return with_clip_length(config, spec), notes


def completed_flags(words: Sequence[str]) -> tuple[RunConfig, list[str]]:
    """The same, of the flags of a command."""
    return completed(parse(words))
