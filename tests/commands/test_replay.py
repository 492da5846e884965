"""rl-teacher replay: what it says where there is nothing to draw."""

import json
from pathlib import Path

import pytest

from rl_teacher.commands.replay import load_actor
from rl_teacher.config.run import RunConfig, to_json
from rl_teacher.errors import CheckpointError


@pytest.mark.parametrize(
    ("agent", "said"),
    [("rllib", "its agent is one of rllib"), ("ppo", "has no checkpoint yet")],
)
def test_a_run_without_an_agent_says_where_it_is(agent: str, said: str, tmp_path: Path) -> None:
    config = to_json(RunConfig(env_id="ShortHopper-v1", predictor="synth", name="x", agent=agent))
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=said):
        load_actor(tmp_path)
