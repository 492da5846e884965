"""Answers become targets, as in a training."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rl_teacher.core.arrays import NO_END, Segments
from rl_teacher.data.rows import Answer, verdicts
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.records import Comparison, Label, Preference

ANSWERS = st.lists(
    st.builds(
        Answer, st.sampled_from(["c0", "c1"]), st.sampled_from(["ann", "bob", "eve"]),
        st.none() | st.sampled_from(Preference),
    )
)  # fmt: skip


@given(ANSWERS)
def test_targets_are_those_of_a_training(answers: list[Answer]) -> None:
    zeros = np.zeros((2, 3, 1))
    segments = Segments(
        np.array(["a", "b"]), zeros, zeros, zeros, zeros[..., 0], zeros, *np.zeros((4, 2), np.int64),
        np.full(2, NO_END), np.zeros((2, 3, 0)),
    )  # fmt: skip
    dataset = Dataset()
    dataset.add([Comparison("c0", "a", "b", 0), Comparison("c1", "a", "b", 0)], segments, segments)
    dataset.label(Label(one.comparison, one.preference, one.labeler, "") for one in answers)
    said = verdicts(answers)
    assert {one: said[one].target if one in said else None for one in ("c0", "c1")} == {
        one: dataset.target(one) for one in ("c0", "c1")
    }


@given(ANSWERS)
def test_swapped_answers_make_swapped_targets(answers: list[Answer]) -> None:
    swapped = verdicts(Answer(a.comparison, a.labeler, a.preference and a.preference.swapped) for a in answers)
    for one, verdict in verdicts(answers).items():
        target = swapped[one].target
        assert (target is None) == (verdict.target is None)
        assert target is None or abs(target + verdict.target - 1.0) < 1e-12
