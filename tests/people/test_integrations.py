"""People teach in somebody's training script: clips of an environment that an id makes again, and of one of no id."""

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.wrappers import TimeLimit

from benchmarks.labelers import HttpLabeler
from rl_teacher import HumanConfig
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError
from rl_teacher.integrations.gymnasium import PreferenceVectorReward
from rl_teacher.integrations.settings import settings
from rl_teacher.integrations.teacher import find_people
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.download import Download, download

pytestmark = pytest.mark.long

LINK = re.compile(r"Sign in \(once, within 10 minutes\): (\S+)")


def cart_pole() -> gymnasium.Env[Any, Any]:
    """Of no id: nobody but this process can make it."""
    return TimeLimit(CartPoleEnv(render_mode="rgb_array"), 200)


def registered() -> gymnasium.Env[Any, Any]:
    return gymnasium.make("CartPole-v1", render_mode="rgb_array")


class Labeler(threading.Thread):
    """Somebody who signs in as soon as there is a link, and answers as fast as pairs come."""

    def __init__(self, data: Path, said: list[str]) -> None:
        super().__init__(daemon=True)
        self._data, self._said = data, said
        self.is_over = threading.Event()
        self.found: Download | None = None
        self.sizes: set[tuple[int, int]] = set()

    def run(self) -> None:
        while not (links := [found.group(1) for line in self._said if (found := LINK.search(line))]):
            time.sleep(0.05)
        url = json.loads((self._data / "server.json").read_text())["url"]
        token = (self._data / "trainer.token").read_text().strip()
        with FeedbackClient(url, token, "cart") as client, HttpLabeler(links[0], client) as labeler:
            while not self.is_over.is_set():
                try:
                    labeler.answer(timeout_s=1.0)
                except Exception:  # no pair yet
                    self.is_over.wait(0.1)
            self.found = download(client, lambda line: None)
            self.sizes = {(clip.width, clip.height) for _, clip in client.clips()}


@pytest.mark.parametrize(
    ("make", "words", "size"),
    [
        pytest.param(registered, "play the same actions from the same seeds", (600, 400), marks=pytest.mark.slow),
        (cart_pole, "in windows that are chosen before they are played", (300, 200)),
    ],
    ids=["played again", "drawn while it plays"],
)
def test_people_teach_environments_that_somebody_made(
    make: Callable[[], gymnasium.Env[Any, Any]], words: str, size: tuple[int, int], tmp_path: Path
) -> None:
    said: list[str] = []
    labeler = Labeler(tmp_path / "feedback", said)
    labeler.start()
    rng, envs = np.random.default_rng(0), gymnasium.vector.SyncVectorEnv([make] * 4)
    with PreferenceVectorReward(
        envs, "cart", labels=8, steps=2000, teacher="people", task="Keep it up", log=said.append,
        runs_dir=str(tmp_path / "runs"), tb_dir=str(tmp_path / "tb"),
        human=HumanConfig(data_dir=str(tmp_path / "feedback"), port=0, open_browser=False),
    ) as taught:  # fmt: skip
        taught.reset(seed=1)
        while taught.training.steps < 2000:
            taught.step(rng.integers(0, 2, 4))
        labeler.is_over.set()
        labeler.join(20)
        folder, dataset = taught.training.folder, taught.training.learner.dataset
    assert any(words in line for line in said), said
    assert dataset.num_answered >= 3  # three quarters of the first four
    assert labeler.found is not None
    assert len(labeler.found.comparisons) >= 3
    assert labeler.sizes == {size}
    assert (folder / "reward" / "reward.json").exists()


def test_what_nobody_can_draw_is_refused_at_once() -> None:
    config, _ = settings("x", find_env("CartPole-v1"), "a", labels=4, steps=100, teacher="people")
    with pytest.raises(ConfigError, match="Pass draw="):
        find_people(config, print, has_pictures=False)
