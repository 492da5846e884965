"""How large clips are, by the machine and by the setting."""

import numpy as np
import pytest

from rl_teacher.config.flags import parse
from rl_teacher.core.segment import Segment
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError
from rl_teacher.training.clip_content import content_of
from rl_teacher.video.clip_size import clip_px

HUMAN = ["-p", "human", "-e", "ShortReacher-v1", "-n", "x"]


@pytest.mark.parametrize(("processors", "px"), [(1, 320), (2, 320), (3, 320), (4, 480), (64, 480)])
def test_clips_are_large_where_four_processors_draw_them(processors: int, px: int) -> None:
    assert clip_px(processors) == px


def test_the_setting_wins_over_the_machine() -> None:
    config, zeros = parse([*HUMAN, "--human.clip-px", "200"]), np.zeros((2, 1), np.float32)
    segment = Segment(
        obs=zeros, sim_state=np.zeros((2, 8)), reward_action=zeros, env_action=zeros,
        true_reward=np.zeros(2, np.float32), env=0, episode=0, start=0, iteration=0,
    )  # fmt: skip
    spec = find_env("ShortReacher-v1")
    for px, expected in ((config.human.clip_px, 200), (None, clip_px())):
        content = content_of(spec, None, px)(segment)
        assert (content.width, content.height) == (expected, expected)  # type: ignore[union-attr]


@pytest.mark.parametrize("px", ["62", "321", "1922"])
def test_sizes_that_no_encoder_takes_are_refused(px: str) -> None:
    with pytest.raises(ConfigError, match=rf"clip_px: got {px}, expected even, in 64..1920"):
        parse([*HUMAN, "--human.clip-px", px])
