"""The folder of a learned reward: the same bytes each time, and one line for whatever is wrong with it."""

import io
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rl_teacher.core.actions import BoxActions, DiscreteActions
from rl_teacher.errors import FolderUnwritable, RewardFileError
from rl_teacher.rewards.export import FrameSpec, to_portable, write_reward
from rl_teacher.rewards.portable import PortableReward, load_reward
from rl_teacher.rewards.portable_files import HEAD, MOST_HEAD_BYTES, _hash
from tests.rewards.test_portable import BOX, SPACES, Handmade, frames_of, random_ensemble, random_process, steps

FRAMES = FrameSpec("Mine-v0", (2,), BoxActions((-4.0,), (float("inf"),)), ("x", "y", "push"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert write_reward(tmp_path / "reward", Handmade(BOX), FRAMES, 9) is not None
    return tmp_path / "reward"


def refused(path: Path, text: str) -> None:
    """It cannot be loaded, and one line says where, what, and what to do."""
    with pytest.raises(RewardFileError) as found:
        load_reward(path)
    line = str(found.value)
    assert re.search(text, line), line
    assert line.startswith(str(path.parent if path.suffix else path))
    assert "\n" not in line
    assert line.endswith((".", "rl-teacher."))
    assert "Copy the folder again" in line or "Update" in line


@pytest.mark.parametrize("space", SPACES)
def test_what_was_written_is_read(tmp_path: Path, space: str) -> None:
    actions = SPACES[space]
    obs, action, after, terminated = steps(actions, 5).values()
    for model in (random_process(actions, 1, center=False, pessimism=0.5), random_ensemble(actions, 1, center=False)):
        reward = write_reward(tmp_path / "made" / "here", model, frames_of(actions), 100)
        assert reward is not None
        for path in ("made/here", "made/here/reward.npz", "made/here/reward.json"):
            found = load_reward(tmp_path / path)
            assert (found.about, found.version, repr(found)) == (reward.about, reward.version, repr(reward))
            shown = {"next_obs": after, "terminated": terminated}
            np.testing.assert_array_equal(found(obs, action, **shown), reward(obs, action, **shown))
            assert all(not array.flags.writeable for array in found.arrays.values())


def test_the_same_reward_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        model = random_process(SPACES["box"], 1, center=False, pessimism=0.0)
        write_reward(tmp_path / name, model, frames_of(SPACES["box"]), 3)
    for file in ("reward.json", "reward.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()
    assert {path.name for path in (tmp_path / "one").iterdir()} == {"reward.json", "reward.npz"}


def test_the_head_is_strict_json_that_people_can_read(folder: Path) -> None:
    head = json.loads((folder / HEAD).read_text(), parse_constant=lambda text: pytest.fail(text))
    assert head["action"] == {"kind": "box", "low": [-4.0], "high": [None], "dtype": "float32"}
    assert head["observation"] == {"shape": [2], "dtype": "float32"}
    assert (head["schema"], head["kind"], head["names"], head["labels"]) == (1, "gp", ["x", "y", "push"], 9)
    assert head["arrays"]["linear"] == {"dtype": "float32", "shape": [2, 1]}
    assert head["sha256"] == load_reward(folder).version


def test_other_programs_of_numpy_read_the_arrays(folder: Path) -> None:
    with np.load(folder / "reward.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["linear"], BOX["linear"])


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderUnwritable):
        write_reward(tmp_path / "file", Handmade(BOX), FRAMES, 9)


# -- reward.json -----------------------------------------------------------------------------------

Head = dict[str, Any]


def change(folder: Path, how: Callable[[Head], object]) -> None:
    """Change reward.json, with a hash that fits again."""
    head = json.loads((folder / HEAD).read_text())
    arrays = {name: np.array(array) for name, array in load_reward(folder).arrays.items()}
    how(head)
    head["sha256"] = _hash({key: value for key, value in head.items() if key != "sha256"}, arrays)
    (folder / HEAD).write_text(json.dumps(head))


CHANGES: dict[str, tuple[Callable[[Head], object], str]] = {
    "newer": (lambda head: head.update(schema=2), r"newer rl-teacher \(schema 2, this one reads 1\)\. Update this one"),
    "no schema": (lambda head: head.pop("schema"), "the schema 'None', expected a number"),
    "a text as schema": (lambda head: head.update(schema="1"), "the schema '1', expected a number"),
    "a key more": (lambda head: head.update(code="import os"), r"keys differ by \['code'\]"),
    "a key less": (lambda head: head.pop("names"), r"keys differ by \['names'\]"),
    "unknown kind": (lambda head: head.update(kind="forest"), "its kind is 'forest', expected one of gp"),
    "kind is a list": (lambda head: head.update(kind=[]), r"its 'kind' is '\[\]', expected a value of type str"),
    "other kind": (lambda head: head.update(kind="constant"), "arrays .*, which its kind does not know"),
    "labels": (lambda head: head.update(labels=True), "its 'labels' is 'True', expected a value of type int"),
    "names": (lambda head: head.update(names=[1]), r"its 'names' is '\[1\]', expected a list of texts"),
    "looks at": (lambda head: head.update(looks_at=[["x"]]), "its 'looks_at' is .*, expected a list of texts with"),
    "observation": (lambda head: head.update(observation=3), "its 'observation' is '3', expected shape and dtype"),
    "shape": (lambda head: head["observation"].update(shape=[-1]), r"a shape is '\[-1\]', expected a list of whole"),
    "other shape": (lambda head: head["observation"].update(shape=[3]), r"'mean' has shape \(2,\), expected \(3\)"),
    "huge observation": (lambda head: head["observation"].update(shape=[2**39]), "expected at most 100,000,000"),
    "action": (lambda head: head.update(action={"kind": "dict"}), "its action space is"),
    "bounds": (lambda head: head["action"].update(low=[1, 2]), "2 lower and 1 upper bounds"),
    "bounds are texts": (lambda head: head["action"].update(low=["a"]), "expected a list of numbers or null"),
    "huge bound": (lambda head: head["action"].update(low=[-(10**400)]), "no number of 64 bits"),
    "other actions": (
        lambda head: head.update(action={"kind": "discrete", "n": 4, "start": 0}) or head.update(names=[]) or
        head["observation"].update(shape=[9]), r"'mean' has shape \(2,\), expected \(9\)",
    ),
    "no choices": (lambda head: head.update(action={"kind": "discrete", "n": 0, "start": 0}), "n 0 and start 0"),
    "a path as name": (lambda head: head["arrays"].update({"../x": {}}), "expected names of small letters"),
    "object dtype": (lambda head: head["arrays"]["mean"].update(dtype="object"), r"expected a dtype of \['float32'"),
    "wrong dtype": (lambda head: head["arrays"]["mean"].update(dtype="int32"), r"mean.npy is float32\(2,\), expected"),
    "a huge shape": (lambda head: head["arrays"]["mean"].update(shape=[2**36]), "expected at most 1,000,000,000"),
    "a larger shape": (lambda head: head["arrays"]["mean"].update(shape=[100_000]), "expected 400,000 after its"),
    "a smaller shape": (lambda head: head["arrays"]["mean"].update(shape=[1]), r"mean.npy is float32\(2,\), expected"),
    "arrays are a list": (lambda head: head.update(arrays=[]), "its 'arrays' is"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_head_that_says_nonsense_is_refused(folder: Path, what: str) -> None:
    how, text = CHANGES[what]
    change(folder, how)
    refused(folder, text)


BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no JSON"), "garbage": (b"\xff\xfe\x00", "no JSON"), "a list": (b"[]", "the schema 'None'"),
    "cut off": (b'{"schema": 1, "kind"', "no JSON"), "nan": (b'{"schema": NaN}', "NaN is no number"),
    "infinite": (b'{"schema": -Infinity}', "-Infinity is no number"),
    "twice": (b'{"schema": 1, "schema": 1}', "a key is there twice"),
    "deep": (b"[" * 100_000, "no JSON"), "large": (b" " * (MOST_HEAD_BYTES + 1), "more than 1,000,000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("what", BYTES)
def test_a_head_that_is_no_json_is_refused(folder: Path, what: str) -> None:
    data, text = BYTES[what]
    (folder / HEAD).write_bytes(data)
    refused(folder, text)


def test_a_number_that_is_infinite_all_the_same_is_refused(folder: Path) -> None:
    (folder / HEAD).write_text((folder / HEAD).read_text().replace('"looks_at": []', '"looks_at": [["x", 1e999]]'))
    refused(folder, "Out of range float values")


# -- reward.npz ------------------------------------------------------------------------------------


def member(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    made = io.BytesIO()
    np.save(made, array, allow_pickle=allow_pickle)
    return made.getvalue()


def repack(folder: Path, how: Callable[[dict[str, bytes]], object], compression: int = zipfile.ZIP_STORED) -> None:
    """Write reward.npz anew with other members."""
    with zipfile.ZipFile(folder / "reward.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    how(members)
    with zipfile.ZipFile(folder / "reward.npz", "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("executed",)


MEMBERS: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "one more": (lambda m: m.update({"tree.npy": member(np.zeros(1))}), "holds .*, expected"),
    "one less": (lambda m: m.pop("mean.npy"), "holds .*, expected"),
    "no array": (lambda m: m.update({"mean.npy": b"x" * 100}), "magic"),
    "pickled": (
        lambda m: m.update({"mean.npy": member(np.array([Bomb(), 1], object), allow_pickle=True)}),
        r"mean.npy is object\(2,\), expected float32",
    ),
    "a pickle": (lambda m: m.update({"mean.npy": pickle.dumps(Bomb()) + b" " * 80}), "magic"),
    "wrong dtype": (lambda m: m.update({"mean.npy": member(np.zeros(2, "<i4"))}), r"mean.npy is int32\(2,\), expected"),
    "other byte order": (lambda m: m.update({"mean.npy": member(np.zeros(2, ">f4"))}), r"mean.npy is >f4\(2,\)"),
    "wrong shape": (lambda m: m.update({"mean.npy": member(np.float32([[1], [2]]))}), r"is float32\(2, 1\), expected"),
    "cut off": (lambda m: m.update({"mean.npy": m["mean.npy"][:-4]}), "has not the 8 bytes"),
    "longer": (lambda m: m.update({"mean.npy": m["mean.npy"] + b"1234"}), "has not the 8 bytes"),
    "much longer": (lambda m: m.update({"mean.npy": m["mean.npy"] + b"1" * 9000}), "expected 8 after its header"),
    "a claim": (
        lambda m: m.update({"mean.npy": member(np.zeros(2, "<f4")).replace(b"(2,)", b"(2000000000,)", 1)}),
        "mean.npy|magic|header|Header",
    ),
    "code for a header": (
        lambda m: m.update({"mean.npy": m["mean.npy"].replace(b"'<f4'", b"f(1) ", 1)}), "eader|malformed|descr"
    ),
    "a number": (lambda m: m.update({"mean.npy": member(np.float32([1, 2]))}), r"not as they were written \(sha256\)"),
}  # fmt: skip


@pytest.mark.parametrize("what", MEMBERS)
def test_arrays_that_were_changed_are_refused(folder: Path, what: str) -> None:
    how, text = MEMBERS[what]
    repack(folder, how)
    refused(folder, text)


def test_an_array_that_is_there_twice_is_refused(folder: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(folder / "reward.npz", "a") as archive:
        archive.writestr("mean.npy", member(np.float32([9, 9])))
    refused(folder, "holds .*, expected")


def test_a_zip_bomb_is_not_unpacked(folder: Path) -> None:
    huge = member(np.zeros(50_000_000, np.float32))
    repack(folder, lambda m: m.update({"mean.npy": huge}), zipfile.ZIP_DEFLATED)
    assert (folder / "reward.npz").stat().st_size < 1_000_000
    refused(folder, "more than|is compressed")
    change_shape = json.loads((folder / HEAD).read_text())
    change_shape["arrays"]["mean"]["shape"] = [50_000_000]
    (folder / HEAD).write_text(json.dumps(change_shape))
    refused(folder, "is compressed, expected it as it was written")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(folder: Path, value: float) -> None:
    arrays = {name: np.array(array) for name, array in load_reward(folder).arrays.items()}
    arrays["linear"][0] = value
    repack(folder, lambda m: m.update({"linear.npy": member(arrays["linear"])}))
    head = json.loads((folder / HEAD).read_text())
    head["sha256"] = _hash({key: entry for key, entry in head.items() if key != "sha256"}, arrays)
    (folder / HEAD).write_text(json.dumps(head))
    refused(folder, "its array 'linear' holds a nan or an infinity")


def test_any_changed_byte_is_noticed(folder: Path) -> None:
    """A byte that nothing depends on, as in a time of the archive, may change; none changes what is loaded."""
    whole, version = (folder / "reward.npz").read_bytes(), load_reward(folder).version
    for at in range(0, len(whole), 7):
        (folder / "reward.npz").write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            assert load_reward(folder).version == version
        except RewardFileError:
            continue


def test_a_file_that_was_cut_off_is_noticed(folder: Path) -> None:
    whole = (folder / "reward.npz").read_bytes()
    for size in range(0, len(whole), 37):
        (folder / "reward.npz").write_bytes(whole[:size])
        refused(folder, "reward.npz")


def test_a_changed_digit_of_the_head_is_noticed(folder: Path) -> None:
    text = (folder / HEAD).read_text()
    (folder / HEAD).write_text(text.replace('"labels": 9', '"labels": 8'))
    refused(folder, r"not as they were written \(sha256\)")


# -- places ----------------------------------------------------------------------------------------


def test_places_without_a_reward_are_said(folder: Path, tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "there is no such file")
    (folder / "reward.npz").unlink()
    refused(folder, "reward.npz: there is no such file")
    (folder / "reward.npz").mkdir()
    refused(folder, "reward.npz: it is there, and no file")
    (folder / HEAD).unlink()
    (folder / HEAD).mkdir()
    refused(folder, "reward.json: it is there, and no file")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hop")
    refused(tmp_path / "notes.txt", "there is no such file")


def test_one_that_was_saved_again_is_the_same(folder: Path, tmp_path: Path) -> None:
    load_reward(folder).save(tmp_path / "copy")
    for file in ("reward.json", "reward.npz"):
        assert (tmp_path / "copy" / file).read_bytes() == (folder / file).read_bytes()


def test_a_reward_of_choices_is_read(tmp_path: Path) -> None:
    frames = FrameSpec("Cart-v0", (2,), DiscreteActions(1, start=5), ("x", "y", "stay"))
    reward = to_portable(Handmade(BOX), frames, 9)
    assert isinstance(reward, PortableReward)
    reward.save(tmp_path)
    assert load_reward(tmp_path)([5, 0.3], 5) == pytest.approx(0.5 + 3 * 2 + 10 + 2 * 0.3)
