"""The learner without any agent or environment: rollouts made by hand go in, a reward comes out."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import RewardInput, Rollout
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.segment import Segment
from rl_teacher.core.streams import Streams
from rl_teacher.errors import NoSegments
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.preferences.schedules import Annealed, ConstantInSeconds, NoLabels, Schedule
from rl_teacher.protocols import Collector, LabelLog, Teacher
from rl_teacher.records import Comparison, Label, Preference
from rl_teacher.rewards.gp.model import GaussianProcessReward
from rl_teacher.storage.label_log import LabelLog as LabelsOnDisk
from rl_teacher.teachers.synthetic import SyntheticTeacher, preset

TIME, ENVS, OBS, ACT, SEGMENT = 40, 3, 4, 2, 5
WEIGHTS = np.array([2.0, 0.0, -1.0, 0.0], np.float32)
"""What a step is worth: this much of each observed number."""
STEPS = TIME * ENVS


def rollout(number: int, episode_steps: int = TIME) -> Rollout:
    """Random observations, and episodes of `episode_steps` steps, the first one beginning with the rollout."""
    generator = np.random.default_rng(number % 1000)
    obs = generator.normal(size=(TIME, ENVS, OBS)).astype(np.float32)
    action = generator.uniform(-1, 1, (TIME, ENVS, ACT)).astype(np.float32)
    time = np.broadcast_to(np.arange(TIME)[:, None], (TIME, ENVS))
    ended = (time + 1) % episode_steps == 0
    return Rollout(
        obs=obs, action=action, last_obs=obs[-1], final_obs=np.zeros_like(obs), terminated=np.zeros_like(ended),
        truncated=ended, counted=np.ones((TIME, ENVS), bool), reward_action=action, env_action=3 * action,
        true_reward=(obs @ WEIGHTS).astype(np.float32), sim_state=np.zeros((TIME, ENVS, 0)),
        episode=1000 * number % 2**40 + time // episode_steps, episode_step=time % episode_steps,
    )  # fmt: skip


def rollouts() -> Iterator[Rollout]:
    return (rollout(500 + attempt) for attempt in itertools.count())


class Patient:
    """Somebody who answers when the test says so: as people do."""

    answers_at_once = False

    def __init__(self, room: int = 3) -> None:
        self.asked: list[str] = []
        self.coming: list[Label] = []
        self.wants = room

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[str, Segment]) -> None:
        self.asked += [one.id for one in comparisons]

    def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
        labels, self.coming = self.coming, []
        return labels

    def room(self) -> int:
        return self.wants

    def observe(self, mean_episode_return: float | None, episode_steps: int, mean_random_reward: float) -> None:
        self.observed = (mean_episode_return, episode_steps, mean_random_reward)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None: ...


def learner(
    folder: Path, teacher: Teacher | None = None, schedule: Schedule | None = None, pretrain_labels: int = 8,
    *, seeks_rare: bool = False,
) -> PreferenceLearner:  # fmt: skip
    folder.mkdir(exist_ok=True)
    streams = Streams(1)
    config = RewardModelConfig(joint_features=16)
    return PreferenceLearner(
        reward_model=GaussianProcessReward.build(
            obs_shape=(OBS,), num_actions=ACT, config=config, center=True, key=streams.key("reward")
        ),
        teacher=teacher or SyntheticTeacher("oracle", preset("oracle"), 1),
        schedule=schedule or Annealed(pretrain_labels, 40, 10 * STEPS),
        label_log=LabelsOnDisk(folder),
        selection=SelectionConfig(segments_per_iteration=12),
        segment_steps=SEGMENT,
        pretrain_labels=pretrain_labels,
        streams=streams,
        origin="by hand/1",
        env_id="by hand",
        clip_fps=10,
        seeks_rare=seeks_rare,
    )


def turns(one: PreferenceLearner, first: int, last: int) -> None:
    """Turns of a loop of ten, `last` not included."""
    for iteration in range(first, last):
        one.observe(rollout(iteration), iteration, iteration * STEPS)
        one.ask_and_listen(0.0, is_last=iteration == 10)
        one.fit()


def finish(iterator: Iterator[Any]) -> None:
    for _ in iterator:
        pass


def test_the_reward_that_the_answers_are_given_by_is_learned_and_the_budget_met_exactly(tmp_path: Path) -> None:
    one = learner(tmp_path)
    finish(one.pretrain(rollouts()))
    assert one.dataset.num_labels == 8
    turns(one, 1, 11)
    assert one.dataset.num_labels == len(one.dataset.comparisons) == 40
    unseen = rollout(77)
    predicted = np.asarray(one.reward(RewardInput(unseen.obs, unseen.reward_action)))
    assert np.corrcoef(predicted.ravel(), unseen.true_reward.ravel())[0, 1] > 0.95


def test_it_is_made_of_parts_that_satisfy_the_protocols(tmp_path: Path) -> None:
    assert isinstance(Patient(), Teacher)
    assert isinstance(LabelsOnDisk(tmp_path), LabelLog)
    assert not isinstance(Patient(), Collector)


def test_the_reward_is_the_same_object_until_a_fit_and_another_one_after_it(tmp_path: Path) -> None:
    one = learner(tmp_path)
    before = one.reward
    finish(one.pretrain(rollouts()))
    assert one.first_fit is not None
    assert one.first_fit.before is before
    assert one.first_fit.after is one.reward is not before
    first = one.reward
    one.observe(rollout(1), 1, STEPS)
    assert one.fit() is None  # nothing is new
    assert one.reward is first


def test_a_fit_tells_which_comparisons_it_learned_from_first(tmp_path: Path) -> None:
    one = learner(tmp_path)
    finish(one.pretrain(rollouts()))
    assert one.first_fit is not None
    assert one.first_fit.changed == tuple(comparison.id for comparison in one.dataset.comparisons[:8])
    one.observe(rollout(1), 1, 10 * STEPS)
    one.ask_and_listen(0.0)
    fit = one.fit()
    assert fit is not None
    assert fit.changed == tuple(comparison.id for comparison in one.dataset.comparisons[8:])


def test_what_is_asked_is_on_disk_before_the_teacher_sees_it(tmp_path: Path) -> None:
    class Reader(SyntheticTeacher):
        def ask(self, comparisons: Sequence[Comparison], segments: Mapping[str, Segment]) -> None:
            lines = (tmp_path / "comparisons.jsonl").read_text()
            assert all(one.id in lines for one in comparisons)
            assert list((tmp_path / "segments").iterdir())
            super().ask(comparisons, segments)

    finish(learner(tmp_path, Reader("oracle", preset("oracle"), 1)).pretrain(rollouts()))
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == 8


@pytest.mark.parametrize("cut", [1, 9])
def test_a_learner_that_is_restored_goes_on_to_the_same_labels_and_the_same_reward(cut: int, tmp_path: Path) -> None:
    whole = learner(tmp_path / "whole")
    finish(whole.pretrain(rollouts()))
    turns(whole, 1, 11)

    first = learner(tmp_path / "cut")
    finish(first.pretrain(rollouts()))
    turns(first, 1, cut)
    kept = first.snapshot()
    turns(first, cut, min(cut + 2, 11))  # a crash takes these turns back; their labels are on disk
    again = learner(tmp_path / "cut")
    again.recall()
    again.restore(kept, cut, (cut - 1) * STEPS)
    turns(again, cut, 11)

    for name in ("labels.jsonl", "comparisons.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    for one, other in zip(jax.tree.leaves(whole.reward), jax.tree.leaves(again.reward), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_snapshot_that_lacks_something_is_refused(tmp_path: Path) -> None:
    one = learner(tmp_path)
    kept = one.snapshot()
    del kept.values["teacher"]
    with pytest.raises(KeyError, match="teacher"):
        one.restore(kept, 1, 0)


def test_where_no_episode_holds_a_segment_it_says_how_long_they_are(tmp_path: Path) -> None:
    short = (rollout(number, episode_steps=3) for number in itertools.count(1))
    # the longest episode has 3 steps; half of it at 10 steps per second is 0.15 s
    with pytest.raises(NoSegments, match=r"'by hand'.* 5 steps .*longest had 3\. Use --clip-length 0\.15 "):
        finish(learner(tmp_path).pretrain(short))


def test_one_rollout_without_a_segment_is_no_reason_to_give_up(tmp_path: Path) -> None:
    mixed = itertools.chain([rollout(1, episode_steps=3)], rollouts())
    one = learner(tmp_path)
    finish(one.pretrain(mixed))
    assert one.dataset.num_labels == 8


def test_before_training_it_says_how_far_it_is_and_waits_for_three_quarters(tmp_path: Path) -> None:
    teacher = Patient()
    one = learner(tmp_path, teacher)
    progress = one.pretrain(rollouts())
    seen = [next(progress)]
    while not seen[-1].is_waiting:
        seen.append(next(progress))
    assert seen[-2].num_segments == seen[-2].segments_wanted == 16
    assert len(teacher.asked) == 8
    for answered in range(6):  # 3/4 of 8
        assert next(progress).num_answered == answered
        teacher.coming = [Label(teacher.asked[answered], Preference.LEFT, "somebody", "")]
    finish(progress)
    assert one.dataset.num_answered == 6
    assert one.first_fit is not None


@pytest.mark.parametrize("seeks_rare", [False, True])
def test_where_most_first_answers_are_ties_it_looks_at_more_if_it_may(seeks_rare: bool, tmp_path: Path) -> None:
    one = learner(tmp_path, pretrain_labels=36, seeks_rare=seeks_rare)
    worth_nothing = (dataclasses.replace(seen, true_reward=np.zeros((TIME, ENVS), np.float32)) for seen in rollouts())
    finish(one.pretrain(worth_nothing))
    assert (one.dataset.num_labels, one.dataset.num_decisive) == (36, 0)
    sides = [one.dataset.segment(side) for asked in one.dataset.comparisons for side in (asked.left, asked.right)]
    last_seen = -min(int(side.iteration[0]) for side in sides if side is not None)
    # 72 segments of one rollout come first, one rollout shows no end, and 21 have 24 each side by side: 7 * 72 more.
    assert last_seen == (23 if seeks_rare else 1)


def test_who_stops_iterating_stops_waiting_and_what_was_asked_stays_asked(tmp_path: Path) -> None:
    teacher = Patient()
    progress = learner(tmp_path, teacher).pretrain(rollouts())
    for step in progress:
        if step.is_waiting:
            break
    again = Patient()
    one = learner(tmp_path, again)
    one.recall()
    assert again.asked == teacher.asked
    finish(itertools.islice(one.pretrain(rollouts()), 12))
    assert again.asked == teacher.asked, "asked once more, and about nothing new"


def test_people_are_asked_for_as_many_as_they_have_room_and_never_more_than_is_due(tmp_path: Path) -> None:
    teacher = Patient(room=2)
    one = learner(tmp_path, teacher, ConstantInSeconds(8, seconds_per_label=1.0))
    for step in one.pretrain(rollouts()):
        if step.is_waiting:
            teacher.coming = [Label(id_, Preference.LEFT, "somebody", "") for id_ in teacher.asked]
    one.observe(rollout(1), 1, STEPS)
    one.ask_and_listen(seconds=0.5)
    assert len(teacher.asked) == 8  # 8 wanted before training; half a label is none
    one.ask_and_listen(seconds=5.0)
    assert len(teacher.asked) == 10  # 13 are wanted, two have room
    teacher.wants = 0
    one.ask_and_listen(seconds=50.0)
    assert len(teacher.asked) == 10


def test_a_teacher_who_cannot_tell_is_asked_anew_and_the_budget_is_of_labels(tmp_path: Path) -> None:
    class Half(SyntheticTeacher):
        """Cannot tell every second time."""

        def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
            said = super().poll(timeout_s)
            return [
                Label(one.comparison, Preference.CANT_TELL if i % 2 else one.preference, one.labeler, "")
                for i, one in enumerate(said)
            ]

    one = learner(tmp_path, Half("oracle", preset("oracle"), 1))
    finish(one.pretrain(rollouts()))
    assert one.dataset.num_labels == 8
    turns(one, 1, 11)
    assert one.dataset.num_labels == 40
    assert len(one.dataset.comparisons) > 60


def test_a_schedule_that_wants_nothing_asks_nothing(tmp_path: Path) -> None:
    teacher = Patient()
    one = learner(tmp_path, teacher, NoLabels())
    turns(one, 1, 11)
    assert teacher.asked == []
    assert one.dataset.comparisons == []


def test_the_agents_statistics_are_used_where_there_are_any_else_those_before_training(tmp_path: Path) -> None:
    def mean_after(obs_stats: RunningStats | None, folder: Path) -> np.ndarray:
        one = learner(folder)
        finish(one.pretrain(rollouts()))
        one.observe(rollout(1), 1, 10 * STEPS)
        one.ask_and_listen(0.0)
        assert one.fit(obs_stats) is not None
        return np.asarray(one.reward.obs_stats[0])  # type: ignore[attr-defined]  # a Gaussian process has them

    empty = RunningStats.of_shape((OBS,))
    known = empty.merge(jnp.full((50, OBS), 7.0), jnp.ones(50))
    np.testing.assert_allclose(mean_after(known, tmp_path / "known"), 7.0)
    before_training = np.concatenate([rollout(500 + i).obs.reshape(-1, OBS) for i in range(1)]).mean(0)
    for name, stats in (("none", None), ("empty", empty)):
        np.testing.assert_allclose(mean_after(stats, tmp_path / name), before_training, atol=1e-6)


def test_the_teacher_hears_what_its_thresholds_depend_on(tmp_path: Path) -> None:
    teacher = Patient()
    one = learner(tmp_path, teacher)
    for step in one.pretrain(rollouts()):
        if step.is_waiting:
            teacher.coming = [Label(id_, Preference.RIGHT, "somebody", "") for id_ in teacher.asked]
    assert teacher.observed[:2] == (None, 1000)
    one.observe(rollout(1), 1, 10 * STEPS)
    one.ask_and_listen(0.0, mean_episode_return=12.5)
    assert teacher.observed[0] == 12.5
    one.ask_and_listen(0.0, mean_episode_return=float("nan"))
    assert teacher.observed[0] is None
    assert teacher.observed[2] == pytest.approx(float(rollout(500).true_reward.mean()), abs=1e-6)
