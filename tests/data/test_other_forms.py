"""Preference data in the forms of others and back: the same segments and answers, and what has no room there."""

import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.cli import main
from rl_teacher.data.importers.forms import read_form
from rl_teacher.data.importers.pairs import Given
from rl_teacher.data.rows import Answer, Rows, Source
from rl_teacher.records import Preference
from tests.data import made
from tests.data.others_data import L, R, T, rows_of, said


def exported(folder: Path, form: str, source: Source, *words: str) -> Path:
    """A source in another's form, by way of a folder of ours."""
    from rl_teacher.data.folder import write_folder

    write_folder(source, folder / "ours", with_true_reward=source.about.has_true_reward)
    assert main(["data", "export", str(folder / "ours"), "--to", str(folder / form), "--format", form, *words]) == 0
    return folder / form


def decided(about: made.DataAbout, num: int = 6) -> tuple[Source, Rows]:
    """Comparisons of which the fourth has no target."""
    rows = made.rows(about, num)
    answers = [Answer(one, "ann", [L, R, T, Preference.CANT_TELL, L, R][i % 6]) for i, one in enumerate(rows.id)]
    return made.source(about, [rows], answers), rows


@pytest.mark.parametrize("next_obs", [False, True])
@pytest.mark.parametrize("action", [made.BOX, made.CHOICES])
def test_what_goes_out_for_preference_transformer_comes_back_in(tmp_path: Path, next_obs: bool, action: object) -> None:
    about = made.about(has_next_obs=next_obs, action=action)
    source, rows = decided(about)
    folder = exported(tmp_path, "preference-transformer", source)
    assert {one.name for one in folder.iterdir()} == {
        "indices_num5_q4", "indices_2_num5_q4", "label_human", "dataset.hdf5",
    }  # fmt: skip
    assert pickle.loads((folder / "label_human").read_bytes()).tolist() == [0, 1, -1, 0, 1]
    found = rows_of(read_form(folder, "auto", Given(str(folder / "dataset.hdf5"))))
    kept = np.repeat([True, True, True, False, True, True], 4)
    for one, other in ((found.left, rows.left), (found.right, rows.right)):
        np.testing.assert_array_equal(one.obs, other.obs[kept])
        np.testing.assert_array_equal(one.action, other.action[kept])
        if next_obs:
            np.testing.assert_array_equal(one.next_obs[3::4], other.next_obs[kept][3::4])


@pytest.mark.parametrize("true_reward", [False, True])
def test_what_goes_out_for_imitation_comes_back_in_and_datasets_reads_it(tmp_path: Path, true_reward: bool) -> None:
    about = made.about((2, 4), has_next_obs=True, has_true_reward=True)
    source, rows = decided(about)
    words = ("--with-true-reward",) if true_reward else ()
    folder = exported(tmp_path, "imitation", source, *words)
    back = read_form(folder, "auto", Given())
    assert said(back) == [L, R, T, L, R]
    found = rows_of(back)
    kept = np.repeat(np.arange(6) != 3, rows.left.lengths)
    np.testing.assert_array_equal(found.left.obs, rows.left.obs[kept])
    np.testing.assert_array_equal(found.left.action, rows.left.action[kept])
    assert back.about.has_true_reward == true_reward
    if true_reward:
        np.testing.assert_array_equal(found.left.true_reward, rows.left.true_reward[kept])
        return
    program = """
import sys, datasets
for side in ("left", "right"):
    found = datasets.load_from_disk(f"{sys.argv[1]}/{side}")
    print(len(found), sorted(found.column_names), len(found[0]["obs"]) - len(found[0]["acts"]))
"""
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], env={**os.environ, **offline}, capture_output=True, text=True,
        check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["5 ['acts', 'infos', 'obs', 'terminal'] 1"] * 2


@pytest.mark.parametrize(
    ("form", "change", "told"),
    [
        ("preference-transformer", {"steps": (2, 4)}, "room for one length"),
        ("preference-transformer", {"answers": "mean"}, r"labelers differ, with the targets \[0.75\]"),
        ("preference-transformer", {"answers": "none"}, "no comparison that can be trained on"),
        ("imitation", {"answers": "none"}, "no comparison that can be trained on"),
        ("imitation", {"words": ("--with-clips",)}, "no place for clips"),
        ("imitation", {"words": ("--with-true-reward",)}, "has no true rewards"),
    ],
)
def test_what_another_form_has_no_room_for_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, change: dict[str, object], told: str
) -> None:
    about = made.about(change.get("steps", (4, 4)))
    source, rows = decided(about)
    one = rows.id[0]
    answers = {"mean": [Answer(one, "ann", L), Answer(one, "bob", T)], "none": []}.get(str(change.get("answers")))
    if answers is not None:
        source = dataclasses.replace(source, answers=answers)
    from rl_teacher.data.folder import write_folder

    write_folder(source, tmp_path / "ours")
    words = ["data", "export", str(tmp_path / "ours"), "--to", str(tmp_path / "x"), "--format", form]
    assert main([*words, *change.get("words", ())]) == 2
    import re

    error = capsys.readouterr().err
    assert re.search(told, error), error
    assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"ours"}


def test_export_import_export_makes_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = made.about(has_true_reward=True)
    source, _ = decided(about)
    from rl_teacher.data.folder import write_folder

    for words in ((), ("--with-true-reward",)):
        home = tmp_path / str(len(words))
        home.mkdir()
        write_folder(source, home / "a", with_true_reward=bool(words))
        assert main(["data", "import", str(home / "a"), "--to", str(home / "b")]) == 0
        assert main(["data", "export", str(home / "b"), "--to", str(home / "c"), *words]) == 0
        files = [
            {str(one.relative_to(home / name)): one.read_bytes() for one in (home / name).rglob("*") if one.is_file()}
            for name in ("a", "b", "c")
        ]
        assert files[0] == files[1] == files[2]
