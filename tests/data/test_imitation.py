"""The pickles of imitation: read without its classes, and refused by name."""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.cli import main
from rl_teacher.data.folder import read_folder
from rl_teacher.data.importers.forms import read_form
from rl_teacher.data.importers.pairs import Given
from rl_teacher.errors import DataDamaged, DataError, DataMismatch, DataRefused
from tests.data import sets
from tests.data.others_data import EPISODES, L, T, dump, rows_of, said


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """Classes with the names of imitation's, as a program that has it would pickle them."""
    found = types.SimpleNamespace()
    for module, names in (
        ("imitation", ()), ("imitation.data", ()), ("imitation.data.types", ("TrajectoryWithRew", "Trajectory")),
        ("imitation.algorithms", ()), ("imitation.algorithms.preference_comparisons", ("PreferenceDataset",)),
    ):  # fmt: skip
        made_module = types.ModuleType(module)
        monkeypatch.setitem(sys.modules, module, made_module)
        for name in names:
            kind = type(name, (), {"__module__": module, "__init__": lambda self, **more: self.__dict__.update(more)})
            setattr(made_module, name, kind)
            setattr(found, name, kind)
    return found


def test_a_pickle_of_imitation_is_read_without_its_classes(tmp_path: Path, others: types.SimpleNamespace) -> None:
    def trajectory(one: sets.Played) -> object:
        return others.TrajectoryWithRew(
            obs=one.obs, acts=one.action, rews=one.reward, infos=None, terminal=one.terminated
        )

    first, second, third = EPISODES
    dataset = others.PreferenceDataset(
        fragments1=[trajectory(first), trajectory(third)], fragments2=[trajectory(second), trajectory(first)],
        preferences=np.array([1.0, 0.5], np.float32), max_size=None,
    )  # fmt: skip
    dump(tmp_path / "preferences.pkl", dataset)
    source = read_form(tmp_path / "preferences.pkl", "auto", Given())
    rows = rows_of(source)
    np.testing.assert_array_equal(rows.left.obs, np.concatenate([first.obs[:-1], third.obs[:-1]]))
    np.testing.assert_array_equal(rows.left.next_obs[:4], first.obs[1:])
    np.testing.assert_array_equal(rows.right.action, np.concatenate([second.action, first.action]))
    assert rows.left.lengths.tolist() == [4, 5]
    assert rows.left.end.tolist() == [4, -1]
    assert said(source) == [L, T]
    assert source.about.has_true_reward
    assert main(["data", "import", str(tmp_path / "preferences.pkl"), "--to", str(tmp_path / "d")]) == 0
    assert not read_folder(tmp_path / "d").about.has_true_reward


def imitation_damage() -> dict[str, tuple[Callable[[types.SimpleNamespace], object], type[DataError], str]]:
    one = {"obs": np.zeros((3, 2)), "acts": np.zeros((2, 1)), "terminal": False}

    def of(them: types.SimpleNamespace, preferences: object = (1.0,), **more: object) -> object:
        sides = [[them.Trajectory(**(one | more))], [them.Trajectory(**one)]]
        return them.PreferenceDataset(fragments1=sides[0], fragments2=sides[1], preferences=np.array(preferences))

    return {
        "another class": (lambda them: them.Trajectory(obs=Path("a")), DataRefused, "holds pathlib"),
        "no dataset": (lambda them: [1, 2], DataRefused, "holds a list, expected a PreferenceDataset"),
        "unsure": (lambda them: of(them, [0.7]), DataRefused, r"preferences \[0.7\]"),
        "too many": (lambda them: of(them, [1.0, 0.0]), DataDamaged, r"\[1, 1\] segments and 2 preferences"),
        "none": (lambda them: of(them, []), DataDamaged, "0 preferences"),
        "too few observations": (lambda them: of(them, obs=np.zeros((2, 2))), DataDamaged, "more than actions"),
        "other spaces": (lambda them: of(them, obs=np.zeros((3, 4))), DataMismatch, "observations of shape"),
        "choices": (lambda them: of(them, acts=np.zeros(2, int)), DataMismatch, "--env ID"),
    }  # fmt: skip


@pytest.mark.parametrize("what", imitation_damage())
def test_a_pickle_of_imitation_that_does_not_fit_is_refused(
    tmp_path: Path, others: types.SimpleNamespace, what: str
) -> None:
    make, error_class, told = imitation_damage()[what]
    dump(tmp_path / "a.pkl", make(others))
    with pytest.raises(error_class, match=told) as error:
        read_form(tmp_path / "a.pkl", "imitation", Given())
    assert "\n" not in str(error.value)
