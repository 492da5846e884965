"""examples/offline_td3bc.py: a policy from a data set alone, which does what the rewards of the set pay for."""

import importlib.util
from pathlib import Path
from types import ModuleType

import h5py
import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "offline_td3bc.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("offline_td3bc", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_bandit(path: Path, sign: float) -> Path:
    """Episodes of one step with random actions; the reward is how near the action is to `sign` times what is seen."""
    rng = np.random.default_rng(0)
    obs = rng.uniform(-0.8, 0.8, (4000, 1)).astype(np.float32)
    action = rng.uniform(-1, 1, (4000, 1)).astype(np.float32)
    with h5py.File(path, "w") as file:
        file["observations"], file["actions"] = obs, action
        file["rewards"] = -np.square(action - sign * obs)[:, 0]
        file["terminals"], file["timeouts"] = np.ones(4000, bool), np.zeros(4000, bool)
    return path


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_it_learns_what_is_paid_for_from_random_behavior(example: ModuleType, tmp_path: Path, sign: float) -> None:
    act = example.learn(str(write_bandit(tmp_path / "bandit.hdf5", sign)), updates=600, seed=1)
    seen = np.linspace(-0.8, 0.8, 9, dtype=np.float32)[:, None]
    # Random behavior has the mean action 0 everywhere, and imitation pulls toward it.
    assert np.corrcoef(np.asarray(act(seen))[:, 0], sign * seen[:, 0])[0, 1] > 0.95


def test_returns_are_of_whole_episodes_of_the_true_reward(example: ModuleType) -> None:
    found = example.returns(lambda obs: np.zeros((len(obs), 2)), "ShortReacher-v1", num=3)
    assert found.shape == (3,)
    assert (found < 0).all()  # a distance, each step


def test_it_is_short() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 160
