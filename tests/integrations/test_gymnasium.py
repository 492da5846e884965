"""Vector environments of Gymnasium with a learned reward: the same rows in every mode, and nothing true is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import NormalizeObservation, RecordEpisodeStatistics
from gymnasium.wrappers.vector import NormalizeReward as NormalizeRewards
from gymnasium.wrappers.vector import RecordEpisodeStatistics as RecordStatistics

from rl_teacher.core.arrays import Rollout, next_observations
from rl_teacher.errors import CheckpointError, ConfigError, EnvFault, RewardShapeError, RunExists
from rl_teacher.integrations.gymnasium import PreferenceVectorReward
from rl_teacher.storage.metrics import read_metrics
from tests.probes.corridor import CANARY, canaries, corridors

MODES = list(AutoresetMode)
Small = dict[str, Any]


def played(envs: PreferenceVectorReward, num_steps: int, seed: int = 5) -> Iterator[tuple[Any, ...]]:
    """What steps return; the k-th action of an environment in its life is the same whatever the mode."""
    obs, infos = envs.reset(seed=seed)
    yield obs, infos
    space, mode = envs.single_action_space, envs.metadata["autoreset_mode"]
    space.seed(seed)
    actions = np.array([[space.sample() for _ in range(num_steps)] for _ in range(envs.num_envs)])
    taken, ended = np.zeros(envs.num_envs, np.int64), np.zeros(envs.num_envs, bool)
    for _ in range(num_steps):
        found = envs.step(actions[np.arange(envs.num_envs), taken])
        taken += ~ended if mode is AutoresetMode.NEXT_STEP else 1
        ended = found[2] | found[3]
        yield found
        if mode is AutoresetMode.DISABLED and ended.any():
            yield envs.reset(options={"reset_mask": ended})


def rows(rollout: Rollout, num: int) -> dict[str, np.ndarray]:
    """The first rows of what was recorded."""
    return {
        "obs": rollout.obs[:num], "next_obs": next_observations(rollout)[:num], "action": rollout.reward_action[:num],
        "env_action": rollout.env_action[:num], "true_reward": rollout.true_reward[:num],
        "terminated": rollout.terminated[:num], "truncated": rollout.truncated[:num],
        "episode_step": rollout.episode_step[:num],
    }  # fmt: skip


def recorded(envs: VectorEnv[Any, Any, Any], name: str, small: Small, num_steps: int = 60) -> dict[str, np.ndarray]:
    taught = PreferenceVectorReward(envs, name, **small)
    for _ in played(taught, num_steps):
        pass
    found = rows(taught.training._recorder.take().rollout, 45)
    taught.close()
    return found


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    return [name for name in one if not np.array_equal(one[name], other[name])]


@pytest.mark.parametrize("others", [{"discrete": False}, {"goals": True}], ids=str)
def test_the_same_rows_are_recorded_in_all_three_modes(others: dict[str, bool], small: Small) -> None:
    found = {mode: recorded(corridors(3, mode, **others), mode.name, small) for mode in MODES}
    one = found[AutoresetMode.SAME_STEP]
    assert one["terminated"].any()
    assert one["truncated"].any(), "a time limit is none of the ends"
    assert not (one["terminated"] & one["truncated"]).any()
    assert [(mode.name, differ) for mode in MODES if (differ := same(one, found[mode]))] == []
    place = one["next_obs"][..., -2]
    np.testing.assert_array_equal(one["terminated"], np.abs(place) > 3)
    if not others.get("discrete", True):  # bounds of 2 are 1 to a reward model
        np.testing.assert_allclose(one["action"], one["env_action"] / 2, atol=1e-6)
    else:  # the first choice is number 1
        np.testing.assert_array_equal(one["action"].argmax(-1) + 1, one["env_action"])


def test_buffers_that_are_used_again_are_copied(small: Small) -> None:
    mode = AutoresetMode.NEXT_STEP
    copied, live = (recorded(corridors(2, mode, copy=copy), f"{copy}", small) for copy in (True, False))
    assert same(copied, live) == []


def test_environments_in_other_processes_are_recorded_alike(small: Small) -> None:
    def make() -> gymnasium.Env[Any, Any]:
        import gymnasium

        return gymnasium.make("CartPole-v1")

    side = SyncVectorEnv([make] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    other = AsyncVectorEnv([make] * 2, autoreset_mode=AutoresetMode.SAME_STEP, context="forkserver", copy=False)
    one = recorded(side, "sync", small)
    assert same(one, recorded(other, "async", small)) == []
    specs = [json.loads((Path(small["runs_dir"]) / name / "config.json").read_text()) for name in ("sync", "async")]
    assert [spec["env_id"] for spec in specs] == ["CartPole-v1", "CartPole-v1"]


def test_a_task_of_ours_records_its_simulator_and_names_its_numbers(small: Small) -> None:
    from rl_teacher.envs.catalog import register

    register()
    for mode in ("vector_entry_point", "sync"):
        envs = gymnasium.make_vec("rl_teacher/ShortHopper-v1", 2, vectorization_mode=mode)
        taught = PreferenceVectorReward(envs, mode, **{**small, "steps": 10_000})
        assert taught.training.spec.is_fixed_horizon
        obs, _ = taught.reset(seed=2)
        first = obs.copy()
        for _ in range(5):
            taught.step(np.zeros((2, 3), np.float32))
        np.testing.assert_array_equal(obs, first)  # what was returned stays as it is
        rollout = taught.training._recorder.take().rollout
        np.testing.assert_array_equal(rollout.obs[0], first)
        assert rollout.sim_state.shape == (5, 2, 12)
        assert not np.array_equal(rollout.sim_state[0], rollout.sim_state[4])
        taught.close()
        assert "velocity" in json.dumps(json.loads((taught.training.folder / "summary.json").read_text()))


def test_an_episode_that_is_cut_by_a_reset_has_not_ended(small: Small) -> None:
    taught = PreferenceVectorReward(corridors(3, AutoresetMode.DISABLED), "cut", **small)
    taught.reset(seed=1)
    for _ in range(4):
        taught.step(np.full(3, 2))
    taught.reset(options={"reset_mask": np.array([False, True, False])})
    taught.step(np.full(3, 2))
    rollout = taught.training._recorder.take().rollout
    assert not rollout.terminated.any()
    assert rollout.truncated.tolist() == [[False, i == 3, False] if i == 3 else [False] * 3 for i in range(5)]
    assert rollout.episode_step[4].tolist() == [4, 0, 4]
    taught.close()


# -- what the agent is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "statistics"),
    [*zip(MODES, ("each", "none", "all"), strict=True), (AutoresetMode.SAME_STEP, "each")],
    ids=lambda value: getattr(value, "name", value),
)
def test_nothing_that_is_returned_tells_the_true_reward(mode: AutoresetMode, statistics: str, small: Small) -> None:
    envs: Any = corridors(3, mode, wrap=RecordEpisodeStatistics if statistics == "each" else None)
    envs = RecordStatistics(envs) if statistics == "all" else envs
    taught = PreferenceVectorReward(envs, "blind", keep_infos=("harmless",), **{**small, "steps": 2000})
    told: dict[str, Any] = {}
    returns, num_ended = np.zeros(3), 0
    for found in played(taught, 70):
        assert canaries(found) == []
        told |= found[-1]
        if len(found) == 2:
            continue
        returns += found[1]
        ended = found[2] | found[3]
        nested = found[-1] if "episode" in found[-1] else found[-1].get("final_info", {})
        if statistics != "none" and ended.any():
            told["episode"] = nested["episode"]
            np.testing.assert_allclose(nested["episode"]["r"][ended], returns[ended], rtol=1e-5)
            np.testing.assert_array_equal(nested["_episode"], ended)
        returns[ended], num_ended = 0, num_ended + int(ended.sum())
    assert num_ended > 5
    expected = {"action_mask", "_action_mask", "harmless", "_harmless"}
    expected |= {"final_obs", "_final_obs", "final_info", "_final_info"} if mode is AutoresetMode.SAME_STEP else set()
    names = set(told) - {"episode", "_episode"}
    assert names == expected
    taught.close()
    for row in read_metrics(taught.training.folder / "metrics.jsonl"):
        large = [name for name, value in row.items() if isinstance(value, float) and abs(value) > CANARY / 10]
        assert [name for name in large if "true" not in name] == []
    assert row["agent/true_reward_per_episode"] > CANARY


def test_statistics_around_it_count_the_learned_reward(small: Small) -> None:
    taught = PreferenceVectorReward(corridors(2, AutoresetMode.SAME_STEP), "outside", **small)
    outside: Any = RecordStatistics(taught)
    for found in played(outside, 40):
        assert canaries(found) == []
    assert outside.episode_count > 0
    outside.close()
    assert taught.training._is_closed


# -- turns -----------------------------------------------------------------------------------------------------------


def test_turns_are_taken_before_steps_until_somebody_says_when(small: Small) -> None:
    taught = PreferenceVectorReward(corridors(4, AutoresetMode.SAME_STEP), "turns", **{**small, "steps": 2000})
    first = taught.reward_version
    for _ in played(taught, 60):
        pass
    by_itself = taught.training.iteration
    assert by_itself == 6, "the first, and one after each 40 of 240 steps but for the last"
    assert taught.update() == (taught.reward_version > first)
    assert not taught.update(), "nothing has changed since"
    after = taught.training.iteration
    for _ in played(taught, 60):
        pass
    assert taught.training.iteration == after
    taught.update()
    assert taught.training.iteration == after + 1
    taught.close()


def test_stored_steps_are_worth_what_they_were_paid(small: Small) -> None:
    for name, others in (("flat", {"discrete": False}), ("goals", {"goals": True})):
        taught = PreferenceVectorReward(corridors(3, AutoresetMode.SAME_STEP, **others), name, **small)
        obs, _ = taught.reset(seed=3)
        stored: list[tuple[Any, ...]] = []
        for _ in range(30):
            actions = taught.action_space.sample()
            new, rewards, terminated, truncated, infos = taught.step(actions)
            after = {key: part.copy() for key, part in new.items()} if isinstance(new, dict) else new.copy()
            for env in np.flatnonzero(terminated | truncated):
                final = infos["final_obs"][env]
                for key in final if isinstance(final, dict) else ():
                    after[key][env] = final[key]
                if not isinstance(final, dict):
                    after[env] = final
            stored.append((obs, actions, after, terminated, rewards))
            obs = new
        before, acted, after, ended, paid = (
            {key: np.stack([one[key] for one in column]) for key in column[0]}
            if isinstance(column[0], dict) else np.stack(column)
            for column in zip(*stored, strict=True)
        )  # fmt: skip
        assert np.ptp(paid) > 0
        np.testing.assert_allclose(taught.reward_of(before, acted, after, ended), paid, rtol=1e-5, atol=1e-6)
        taught.close()
    odd = {"goal": np.zeros(4, int), "place": np.zeros((4, 3))}
    with pytest.raises(RewardShapeError):
        taught.reward_of(odd, np.ones(4, int), odd, np.zeros(4, bool))


# -- mistakes --------------------------------------------------------------------------------------------------------


def test_mistakes_are_one_clear_error_each(small: Small) -> None:
    taught = PreferenceVectorReward(corridors(2, AutoresetMode.DISABLED, limit=8), "mistakes", **small)
    with pytest.raises(ResetNeeded, match=r"step\(\) before reset"):
        taught.step(np.full(2, 2))
    taught.reset(seed=1)
    for _ in range(8):
        taught.step(np.full(2, 2))
    with pytest.raises(ResetNeeded, match=r"environments \[0, 1\] of 2 have ended.*reset_mask"):
        taught.step(np.full(2, 2))
    with pytest.raises(CheckpointError, match="cannot be pickled"):
        taught.__getstate__()
    taught.close()
    taught.close()
    with pytest.raises(RunExists):
        PreferenceVectorReward(corridors(2, AutoresetMode.DISABLED), "mistakes", **small)


def test_environments_that_do_not_say_when_they_begin_anew_are_refused(small: Small) -> None:
    for said in (None, "sometimes"):
        envs = corridors(2, AutoresetMode.SAME_STEP)
        envs.metadata["autoreset_mode"] = said
        with pytest.raises(ConfigError, match=f"autoreset_mode.*{said!r}, expected one of.*SAME_STEP"):
            PreferenceVectorReward(envs, "unknown", **small)
    assert not (Path(small["runs_dir"]) / "unknown").exists()


def test_wrappers_that_normalize_are_refused_inside(small: Small) -> None:
    for envs in (
        NormalizeRewards(corridors(2, AutoresetMode.NEXT_STEP)),
        corridors(2, AutoresetMode.SAME_STEP, wrap=NormalizeObservation),
    ):
        with pytest.raises(ConfigError, match=r"Normalize(Reward|Observation) is inside.*Put it around"):
            PreferenceVectorReward(envs, "normalized", **small)


def test_last_observations_that_are_missing_are_the_environments_fault(small: Small) -> None:
    envs = corridors(2, AutoresetMode.DISABLED, limit=8)
    envs.metadata["autoreset_mode"] = AutoresetMode.SAME_STEP  # which is not true
    with pytest.raises(EnvFault, match=r"SAME_STEP, and infos have no 'final_obs'"):
        PreferenceVectorReward(envs, "missing", **small)


# -- budgets, and what survives --------------------------------------------------------------------------------------


def test_the_budget_is_met_whatever_the_number_of_steps(small: Small) -> None:
    for num_steps in (0, 131):
        settings = {**small, "steps": 2000, "labels": 17}
        with PreferenceVectorReward(corridors(3, AutoresetMode.NEXT_STEP), f"{num_steps}", **settings) as taught:
            for _ in played(taught, num_steps):
                pass
        summary = json.loads((taught.training.folder / "summary.json").read_text())
        assert summary["labels"] == 17


def test_an_error_in_the_loop_leaves_what_can_be_resumed(small: Small) -> None:
    settings = {**small, "steps": 2000, "labels": 30}
    taught = PreferenceVectorReward(corridors(2, AutoresetMode.SAME_STEP), "broken", **settings)

    def train() -> None:
        with taught:
            for _ in played(taught, 30):
                pass
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    folder = taught.training.folder
    assert not (folder / "summary.json").exists()
    with PreferenceVectorReward(corridors(2, AutoresetMode.SAME_STEP), "broken", **settings, resume=True) as taught:
        assert taught.training.steps == 60
    assert json.loads((folder / "summary.json").read_text())["labels"] == 30


def test_what_was_killed_goes_on_with_every_label(small: Small) -> None:
    settings = {**small, "steps": 2000, "labels": 30}
    killed = PreferenceVectorReward(corridors(4, AutoresetMode.SAME_STEP), "killed", **settings)
    for _ in played(killed, 120):
        pass
    killed.training._save(at_once=True)  # as happens every ten seconds
    folder, paid = killed.training.folder, killed.reward_of(np.ones((1, 2)), np.ones(1, int), np.ones((1, 2)), [False])
    on_disk = (folder / "labels.jsonl").read_text()
    killed.training._lock.close()  # as the system does with what a killed process held
    killed.training._reporter.close()
    assert 8 <= len(on_disk.splitlines()) < 30

    with PreferenceVectorReward(corridors(4, AutoresetMode.SAME_STEP), "killed", **settings, resume=True) as resumed:
        assert resumed.training.steps == 480
        goes_on = resumed.reward_of(np.ones((1, 2)), np.ones(1, int), np.ones((1, 2)), [False])
        np.testing.assert_allclose(goes_on, paid, rtol=1e-5)
        for _ in played(resumed, 130, seed=6):
            pass
    assert (folder / "labels.jsonl").read_text().startswith(on_disk)
    assert json.loads((folder / "summary.json").read_text())["labels"] == 30
