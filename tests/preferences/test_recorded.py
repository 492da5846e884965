"""Episodes of a data set come again: their segments are known by their place in it, and no pair is asked twice."""

import itertools
from pathlib import Path

import jax
import numpy as np

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import Rollout, concatenate
from rl_teacher.core.streams import Streams
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.preferences.schedules import Annealed
from rl_teacher.preferences.segments import cut_segments, distinct
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.teachers.synthetic import SyntheticTeacher, preset
from tests.preferences.rollouts import pool, rollout

LENGTH = 6


def test_ids_are_of_episode_and_step_whichever_rollout_shows_them() -> None:
    shown = rollout()
    later = jax.tree.map(lambda array: array[3:], shown)  # the same steps at other places of a rollout
    by_place: dict[tuple[int, int], str] = {}
    for iteration, source in enumerate((shown, later)):
        found = cut_segments(
            source, LENGTH, 60, np.random.default_rng(0), origin="x", iteration=iteration, is_recorded=True
        )
        for episode, start, one in zip(found.episode, found.start, found.id, strict=True):
            assert by_place.setdefault((int(episode), int(start)), str(one)) == one
    assert len(set(by_place.values())) == len(by_place)


def test_a_segment_that_came_twice_is_left_once_and_order_stays() -> None:
    segments = pool(4)
    doubled = concatenate([segments.take(np.array([2, 0])), segments])
    assert distinct(doubled).id.tolist() == [str(segments.id[row]) for row in (2, 0, 1, 3)]
    assert distinct(segments) is segments


def two_episodes(number: int) -> Rollout:
    """One environment that shows two episodes of a segment's length, in an order of its own."""
    order = np.repeat([0, 1] if number % 2 else [1, 0], LENGTH)
    obs = (order[:, None, None] + np.zeros((2 * LENGTH, 1, 2))).astype(np.float32)
    num, flags = 2 * LENGTH, np.zeros((2 * LENGTH, 1), bool)
    cut_off = ((np.arange(num) + 1) % LENGTH == 0)[:, None]
    action = np.zeros((num, 1, 1), np.float32)
    return Rollout(
        obs=obs, action=action, last_obs=obs[-1], final_obs=np.zeros_like(obs), terminated=flags, truncated=cut_off,
        counted=~flags, reward_action=action, env_action=action, true_reward=obs[..., 0],
        sim_state=np.zeros((num, 1, 0)), episode=order[:, None], episode_step=(np.arange(num) % LENGTH)[:, None],
    )  # fmt: skip


def test_a_set_of_one_pair_is_asked_one_question_and_its_answer_is_learned_from_in_the_end(tmp_path: Path) -> None:
    streams, config = Streams(1), RewardModelConfig(joint_features=16)
    learner = PreferenceLearner(
        reward_model=GaussianProcessReward.build((2,), 1, config, center=True, key=streams.key("reward")),
        teacher=SyntheticTeacher("oracle", preset("oracle"), 1), schedule=Annealed(2, 10, 4),
        label_log=LabelLog(tmp_path), selection=SelectionConfig(), segment_steps=LENGTH, pretrain_labels=2,
        streams=streams, origin="set", env_id="set", clip_fps=10, is_recorded=True,
    )  # fmt: skip
    for _ in learner.pretrain(two_episodes(attempt) for attempt in itertools.count()):
        pass
    for turn in range(1, 5):
        learner.observe(two_episodes(turn), turn, turn)
        learner.ask_and_listen(0.0, is_last=turn == 4)
    (asked,) = learner.dataset.comparisons
    assert learner.dataset.target(asked.id) in (0.0, 1.0)
    assert len((tmp_path / "comparisons.jsonl").read_text().splitlines()) == 1


def test_the_last_fit_is_of_all_answers_however_few_are_new(tmp_path: Path) -> None:
    from tests.preferences.test_learner import finish, learner, rollouts
    from tests.preferences.test_learner import rollout as made

    one = learner(tmp_path)
    finish(one.pretrain(rollouts()))
    assert not one.has_news
    one.observe(made(1), 1, 10)
    assert one.fit(is_last=True) is None  # nothing is new
    one.dataset.num_changes = 1000  # as if there had been many: one more is no tenth of them
    fitted = one.reward
    one._reward = jax.tree.map(lambda leaf: leaf, fitted)
    one._changed = [one.dataset.comparisons[0].id]
    assert one.has_news
    assert one.fit(is_last=True) is not None
    assert not one.has_news
