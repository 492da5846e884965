"""What a finished run leaves of its reward: a folder that loads, with the numbers of the model in its checkpoint."""

from pathlib import Path

import numpy as np
import pytest

from rl_teacher import load_reward
from rl_teacher.commands.train import train
from rl_teacher.core.arrays import LAST, LIVED, RewardInput
from rl_teacher.envs.catalog import find_env
from rl_teacher.training.build import build_agent, build_run
from rl_teacher.training.complete import complete
from rl_teacher.training.interrupt import Interrupt
from rl_teacher.training.parts import build_teacher
from rl_teacher.training.segment_length import with_clip_length
from rl_teacher.training.state import TeachState
from rl_teacher.training.world import open_world
from tests.completed import parse

ROOT = Path(__file__).parents[2]


def words(env: str, folder: Path, *more: str) -> list[str]:
    where = ["--runs-dir", str(folder), "--tb-dir", str(folder / "tb"), "-n", "x", "-t", "2000", "-w", "1"]
    return ["-p", "synth", "-l", "20", "-e", env, "--no-videos", *where, *more]


@pytest.mark.parametrize("model", ["gp", "ensemble", "constant", "untrained"])
def test_a_run_leaves_its_reward_as_numpy(tmp_path: Path, model: str) -> None:
    config = parse(words("CartPole-v1", tmp_path, "--reward.model", model, "--reward.max_steps", "100"))
    assert train(config) == 0
    reward = load_reward(tmp_path / "x" / "reward")
    assert (reward.kind, reward.env_id, reward.labels) == (model, "CartPole-v1", 20)
    assert reward.names[-1] == "action 1"
    spec = find_env(config.env_id)
    config, _ = complete(config, spec)
    config = with_clip_length(config, spec)
    world = open_world(config, spec)
    run = build_run(config, world, tmp_path / "x", build_teacher(config, spec), Interrupt(print), log=print)
    assert run.checkpoints.restore(TeachState(0, 0, build_agent(config, world))) is not None
    assert run.learner is not None
    rng = np.random.default_rng(0)
    obs, action = rng.normal(size=(50, 4)).astype(np.float32), rng.integers(0, 2, 50)
    terminated, after = rng.random(50) < 0.2, obs + rng.normal(size=obs.shape).astype(np.float32)
    phase = np.where(terminated, LAST, LIVED).astype(np.int8)
    expected = run.learner.reward(RewardInput(obs, world.actions.from_env(action), phase=phase, next_obs=after))
    got = reward(obs, action, next_obs=after, terminated=terminated)
    np.testing.assert_allclose(got, np.asarray(expected), rtol=1e-5, atol=1e-5)
    run.reporter.close()
    world.collector.close()


def test_a_model_of_ones_own_without_a_portable_form_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = f"{ROOT / 'examples' / 'own_reward.py'}:LinearReward"
    assert train(parse(words("ShortReacher-v1", tmp_path, "--reward.model", own))) == 0
    assert "reward/ is not written: LinearReward has no method portable" in capsys.readouterr().out
    assert not (tmp_path / "x" / "reward").exists()


def test_the_true_reward_is_not_kept(tmp_path: Path) -> None:
    where = ["--runs-dir", str(tmp_path), "--tb-dir", str(tmp_path / "tb"), "-n", "x", "-t", "1000", "-w", "1"]
    assert train(parse(["-p", "rl", "-e", "ShortReacher-v1", "--no-videos", *where])) == 0
    assert not (tmp_path / "x" / "reward").exists()
    assert "summary.json" in {path.name for path in (tmp_path / "x").iterdir()}
