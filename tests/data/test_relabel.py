"""`rl-teacher relabel`: the right reward beside each step, all else as it was, and nothing in place."""

import hashlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rl_teacher.cli import main
from rl_teacher.data.data_sets import open_episodes
from rl_teacher.data.relabel import relabel
from rl_teacher.errors import DataDamaged, DataError, DataMismatch, DataRefused, FolderUnwritable
from rl_teacher.rewards.portable_actions import BoxSpace, DiscreteSpace
from tests.data import sets

REWARD = sets.reward_of()
EPISODES = sets.played()
NUM = sum(len(one.reward) for one in EPISODES)


@pytest.fixture
def minari_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "minari"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(root))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Minari's own
        yield root


def digest(path: Path) -> str:
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()


@pytest.mark.parametrize("form", ["hdf5", "arrow", "parquet"])
def test_a_minari_set_has_the_learned_rewards_and_all_else(minari_root: Path, form: str) -> None:
    import minari

    sets.write_minari(minari_root, "made/random-v0", EPISODES, form)
    before = digest(minari_root / "made" / "random-v0")
    done = relabel(REWARD, "made/random-v0", "made/learned-v0")
    assert digest(minari_root / "made" / "random-v0") == before
    assert (done.steps, done.episodes) == (NUM, 3)
    old, new = minari.load_dataset("made/random-v0"), minari.load_dataset("made/learned-v0")
    assert new.spec.dataset_id == "made/learned-v0"
    told = new.storage.metadata["rl_teacher"]
    assert (told["reward_sha256"], told["labels"]) == (REWARD.version, 40)
    assert told["relabeled_from"] == "made/random-v0"
    found = list(new.iterate_episodes())
    np.testing.assert_allclose(np.concatenate([one.rewards for one in found]), sets.expected(EPISODES), rtol=1e-5)
    for one, other in zip(found, old.iterate_episodes(), strict=True):
        for name in ("observations", "actions", "terminations", "truncations"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(one.infos["qpos"], other.infos["qpos"])
        assert set(one.infos) == {"qpos", "qvel"}


def test_a_minari_set_by_its_folder_goes_to_a_folder(minari_root: Path, tmp_path: Path) -> None:
    sets.write_minari(minari_root, "made/random-v0", EPISODES, "hdf5")
    folder = minari_root / "made" / "random-v0"
    relabel(REWARD, str(folder), str(tmp_path / "out" / "learned"), keep_reward=True)
    (one, *_) = open_episodes(str(tmp_path / "out" / "learned" / "data")).read()
    np.testing.assert_allclose(one.reward, sets.expected(EPISODES[:1]), rtol=1e-5)
    with h5py.File(tmp_path / "out" / "learned" / "data" / "main_data.hdf5") as file:
        # an observation more than steps, so the last reward stands twice
        kept = file["episode_0/infos/true_reward"][()]
        np.testing.assert_allclose(kept, [*EPISODES[0].reward, EPISODES[0].reward[-1]])


@pytest.mark.parametrize("keep", [False, True])
def test_a_file_of_d4rl_has_the_learned_rewards_and_all_else(tmp_path: Path, keep: bool) -> None:
    states = np.arange(NUM * 2, dtype=np.float64).reshape(NUM, 2)
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES, infos__qpos=states, infos__qvel=-states)
    before = digest(path)
    done = relabel(REWARD, str(path), str(tmp_path / "new.hdf5"), keep_reward=keep)
    assert digest(path) == before
    assert done.episodes == 3
    with h5py.File(path) as old, h5py.File(tmp_path / "new.hdf5") as new:
        np.testing.assert_allclose(new["rewards"][()], sets.expected(EPISODES), rtol=1e-5)
        for name in ("observations", "actions", "terminals", "timeouts", "infos/qpos"):
            np.testing.assert_array_equal(new[name][()], old[name][()])
        assert json.loads(new.attrs["rl_teacher"])["reward_sha256"] == REWARD.version
        assert ("true_reward" in new["infos"]) == keep
        if keep:
            np.testing.assert_array_equal(new["infos/true_reward"][()], old["rewards"][()])
    # the old rewards are nowhere in the file
    assert (EPISODES[1].reward.astype(np.float32).tobytes() in (tmp_path / "new.hdf5").read_bytes()) == keep


@pytest.mark.parametrize("keep", [False, True])
def test_a_table_of_transitions_has_the_learned_rewards_and_all_else(tmp_path: Path, keep: bool) -> None:
    path = sets.write_transitions(tmp_path / "old.parquet", EPISODES)
    before = digest(path)
    relabel(REWARD, str(path), str(tmp_path / "new.parquet"), keep_reward=keep)
    assert digest(path) == before
    old, new = pq.read_table(path), pq.read_table(tmp_path / "new.parquet")
    np.testing.assert_allclose(new.column("rewards").to_numpy(), sets.expected(EPISODES), rtol=1e-5)
    for name in ("observations", "actions", "terminations", "truncations", "note"):
        assert new.column(name).to_pylist() == old.column(name).to_pylist()
    assert ("true_reward" in new.column_names) == keep
    assert json.loads(new.schema.metadata[b"rl_teacher"])["labels"] == 40


def test_ends_are_paid_where_an_episode_ended_and_not_where_it_was_cut_off(tmp_path: Path) -> None:
    reward, (first, second, _) = sets.reward_of(ends=True), EPISODES
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES)
    relabel(reward, str(path), str(tmp_path / "new.hdf5"))
    with h5py.File(tmp_path / "new.hdf5") as file:
        found = file["rewards"][()]
    plain = sets.expected(EPISODES)
    # the rise of the first number within the first episode; what is observed after its last step no file says
    rise = np.append(np.diff(first.obs[:-1, 0]), 0.0)
    np.testing.assert_allclose(found[:4], plain[:4] + rise + [0, 0, 0, 100], rtol=1e-5)
    rise = np.append(np.diff(second.obs[:-1, 0]), 0.0)
    np.testing.assert_allclose(found[4:10], plain[4:10] + rise, rtol=1e-5)


def test_observations_after_a_step_are_those_of_the_file_where_it_has_them(tmp_path: Path) -> None:
    after = np.concatenate([one.obs[1:] for one in EPISODES])
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES, next_observations=after)
    relabel(sets.reward_of(ends=True), str(path), str(tmp_path / "new.hdf5"))
    before = np.concatenate([one.obs[:-1] for one in EPISODES])
    ended = np.arange(NUM) == 3
    with h5py.File(tmp_path / "new.hdf5") as file:
        np.testing.assert_allclose(
            file["rewards"][()], sets.expected(EPISODES) + (after - before)[:, 0] + 100 * ended, rtol=1e-5, atol=1e-5
        )


@settings(max_examples=20)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), size=st.integers(1, 20), seed=st.integers(0, 99))
def test_every_form_holds_the_same_episodes(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], size: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    episodes = sets.played(tuple(lengths), seed)
    one = open_episodes(str(sets.write_d4rl(folder / "a.hdf5", episodes)))
    other = open_episodes(str(sets.write_transitions(folder / "a.parquet", episodes, row_group_size=size)))
    at = 0
    for a, b, asked in zip(one.read(), other.read(), episodes, strict=True):
        for name in ("obs", "next_obs", "action", "terminated", "truncated"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
        np.testing.assert_array_equal(a.obs, asked.obs[:-1])
        assert (a.first_row, len(a), bool(a.terminated[-1])) == (at, len(asked.reward), asked.terminated)
        at += len(a)
    assert one.num_steps == other.num_steps == at


def test_simulator_states_come_along_where_the_files_have_them(minari_root: Path, tmp_path: Path) -> None:
    states = np.arange(NUM * 2, dtype=np.float64).reshape(NUM, 2)
    path = sets.write_d4rl(tmp_path / "a.hdf5", EPISODES, infos__qpos=states, infos__qvel=-states)
    np.testing.assert_array_equal(next(open_episodes(str(path)).read()).sim_state, np.hstack([states, -states])[:4])
    sets.write_minari(minari_root, "made/random-v0", EPISODES, "hdf5")
    found = open_episodes("made/random-v0")
    obs = EPISODES[0].obs[:-1]
    np.testing.assert_array_equal(next(found.read()).sim_state, np.hstack([obs[:, :2], obs[:, 1:]]).astype(np.float64))
    assert found.action == sets.BOX
    assert sum(len(one) for one in found.read()) == found.num_steps == NUM


REFUSED = {
    "fewer numbers": (sets.reward_of(num_obs=4), DataMismatch, r"observations have shape \(3,\), expected \(4,\)"),
    "fewer actions": (sets.reward_of(BoxSpace((-1.0,), (1.0,))), DataMismatch, "actions have shape"),
    "choices": (sets.reward_of(DiscreteSpace(3)), DataMismatch, "actions have shape"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_data_set_of_other_spaces_is_refused(tmp_path: Path, what: str) -> None:
    reward, error_class, said = REFUSED[what]
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES)
    with pytest.raises(error_class, match=said) as error:
        relabel(reward, str(path), str(tmp_path / "new.hdf5"))
    assert "\n" not in str(error.value)
    assert [one.name for one in tmp_path.iterdir()] == ["old.hdf5"]


def test_a_minari_set_of_other_bounds_is_refused(minari_root: Path) -> None:
    sets.write_minari(minari_root, "made/random-v0", EPISODES, "hdf5")
    with pytest.raises(DataMismatch, match=r"numbers from \[-2.0, -1.0\] to .* expected 2 numbers from \[-1.0, -1.0\]"):
        relabel(sets.reward_of(BoxSpace((-1.0, -1.0), (1.0, 1.0))), "made/random-v0", "made/learned-v0")


def test_a_reward_that_knows_ends_needs_to_know_where_episodes_were_cut_off(tmp_path: Path) -> None:
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES, timeouts=False)
    relabel(REWARD, str(path), str(tmp_path / "blind.hdf5"))
    with pytest.raises(DataMismatch, match="does not say where episodes were cut off"):
        relabel(sets.reward_of(ends=True), str(path), str(tmp_path / "new.hdf5"))


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES)
    for to in (path, tmp_path):
        with pytest.raises(FolderUnwritable, match="is there already"):
            relabel(REWARD, str(path), str(to))


def test_what_is_no_data_set_is_told(tmp_path: Path, minari_root: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(DataRefused, match=r"ends with '\.txt'"):
        open_episodes(str(tmp_path / "a.txt"))
    with pytest.raises(DataMismatch, match="nothing is fetched here"):
        open_episodes("D4RL/hopper/medium-v2")
    for name in ("a.hdf5", "a.parquet"):
        (tmp_path / name).write_bytes(b"no such form")
        with pytest.raises(DataDamaged, match="cannot be read"):
            open_episodes(str(tmp_path / name))


@pytest.mark.parametrize("column", ["observations", "actions", "rewards", "terminations"])
def test_a_column_that_is_missing_is_named(tmp_path: Path, column: str) -> None:
    path = sets.write_transitions(tmp_path / "a.parquet", EPISODES, skip=column)
    with pytest.raises(DataDamaged, match=f"has no column {column}"):
        open_episodes(str(path))


def hdf5_damage() -> dict[str, tuple[dict[str, np.ndarray | None], str]]:
    bad = np.concatenate([one.obs[:-1] for one in EPISODES])
    bad[6, 2] = np.nan
    return {
        "missing": ({"actions": None}, "has no actions"),
        "nan": ({"observations": bad}, "episode 1, step 2: its observation holds a nan"),
        "short": ({"actions": np.zeros((3, 2))}, "actions has 3 rows and observations 15"),
        "texts": ({"rewards": np.array([b"a"] * NUM)}, "rewards is .S1"),
        "empty": (
            {name: np.zeros((0, 2)) for name in ("observations", "actions", "rewards", "terminals", "timeouts")},
            "no step",
        ),
    }


@pytest.mark.parametrize("what", hdf5_damage())
def test_a_file_of_d4rl_that_is_damaged_is_one_line(tmp_path: Path, what: str) -> None:
    changes, said = hdf5_damage()[what]
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES)
    with h5py.File(path, "r+") as file:
        for name, array in changes.items():
            del file[name]
            if array is not None:
                file[name] = array
    with pytest.raises(DataDamaged, match=said) as error:
        relabel(REWARD, str(path), str(tmp_path / "new.hdf5"))
    assert "\n" not in str(error.value)
    assert [one.name for one in tmp_path.iterdir()] == ["old.hdf5"]


METADATA = {
    "no json": (lambda told: "{", DataDamaged, "cannot be read"),
    "no episodes": (lambda told: told | {"total_episodes": 0}, DataDamaged, "holds no episode"),
    "too many episodes": (lambda told: told | {"total_episodes": 9}, DataDamaged, "episode 3: cannot be read"),
    "another form": (lambda told: told | {"data_format": "zarr"}, DataRefused, "data_format 'zarr'"),
    "pictures by name": (
        lambda told: told | {"observation_space": json.dumps({"type": "Dict", "subspaces": {}})},
        DataRefused, "observations are Dict",
    ),
    "other actions": (
        lambda told: told | {"action_space": json.dumps({"type": "MultiDiscrete", "nvec": [2]})},
        DataRefused, "actions are MultiDiscrete",
    ),
    "no space": (lambda told: told | {"action_space": "[]"}, DataDamaged, "its action_space is"),
    "no spaces": (lambda told: {k: v for k, v in told.items() if "space" not in k}, DataRefused, "does not say its"),
}  # fmt: skip


@pytest.mark.parametrize("what", METADATA)
def test_metadata_of_minari_that_say_nonsense_are_one_line(minari_root: Path, what: str) -> None:
    change, error_class, said = METADATA[what]
    sets.write_minari(minari_root, "made/random-v0", EPISODES, "hdf5")
    path = minari_root / "made" / "random-v0" / "data" / "metadata.json"
    changed = change(json.loads(path.read_text()))
    path.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    with pytest.raises(error_class, match=said) as error:
        relabel(REWARD, "made/random-v0", "made/learned-v0")
    assert "\n" not in str(error.value)
    assert isinstance(error.value, DataError)
    assert {one.name for one in (minari_root / "made").iterdir() if one.is_dir()} == {"random-v0"}


def test_the_command_says_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    REWARD.save(tmp_path / "reward")
    path = sets.write_d4rl(tmp_path / "old.hdf5", EPISODES)
    words = ["relabel", str(tmp_path / "reward"), str(path), "--to", str(tmp_path / "new.hdf5")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "15 steps of 3 episodes" in said
    rewards = sets.expected(EPISODES)
    assert f"mean {rewards.mean():.3g}, standard deviation {rewards.std():.3g}" in said
    correlation = np.corrcoef(rewards, np.concatenate([one.reward for one in EPISODES]))[0, 1]
    assert f"before: {correlation:.2f}" in said
    assert main(words) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["relabel", str(tmp_path / "nothing"), str(path), "--to", "x"]) == 2
    assert "RewardFileError" in capsys.readouterr().err


def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    REWARD.save(tmp_path / "reward")
    for library, name in (("h5py", "a.hdf5"), ("pyarrow", "a.parquet")):
        (tmp_path / name).write_bytes(b"")
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, library, None)  # as if it were not installed
            assert main(["relabel", str(tmp_path / "reward"), str(tmp_path / name), "--to", "x"]) == 2
        assert (
            f"needs {library}, which is not installed. Do: pip install 'rl-teacher[data]'." in capsys.readouterr().err
        )
