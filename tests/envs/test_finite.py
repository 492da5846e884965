"""The guard against nan and infinity."""

import re

import numpy as np
import pytest

from rl_teacher.envs.finite import require_finite
from rl_teacher.errors import NotFinite


def test_finite_values_pass():
    require_finite(np.zeros((2, 3)), np.zeros(2), "A-v0", 1)
    require_finite(np.full((2, 3), -1e16), np.zeros(2), "A-v0", 1)
    require_finite(np.zeros((2, 3, 3), np.uint8), np.zeros(2), "A-v0", 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_bad_observation_is_named(bad):
    observations = np.zeros((64, 5))
    observations[7, 3] = bad
    with pytest.raises(NotFinite) as caught:
        require_finite(observations, np.zeros(64), "module:Mine-v0", 8113)
    assert str(caught.value) == (
        f"env 'module:Mine-v0', env 7 of 64, step 8,113: observation[3] is {bad}. "
        "Nothing was lost; fix the env, then run the same command with --resume."
    )


def test_an_entry_of_a_picture_is_named_by_all_its_indices():
    observations = np.zeros((2, 3, 4), np.float32)
    observations[1, 2, 0] = np.inf
    with pytest.raises(NotFinite, match=r"env 1 of 2, step 5: observation\[2, 0\] is inf"):
        require_finite(observations, np.zeros(2), "A-v0", 5)


def test_a_bad_reward_is_named():
    with pytest.raises(NotFinite, match="env 1 of 2, step 5: reward is nan"):
        require_finite(np.zeros((2, 3)), np.array([0, np.nan]), "A-v0", 5)


@pytest.mark.parametrize("value", [1e39, -1e300, np.float32(3e38), 2e16])
def test_what_float32_cannot_compute_with_is_refused_with_its_value(value):
    # the largest float32 is 3.4e38; a million squares of 2e16 add up to 4e38
    said = rf"is {re.escape(str(float(value)))}, whose square float32 cannot add up: at most 1e\+16 "
    with pytest.raises(NotFinite, match=f"reward {said}"):
        require_finite(np.zeros((2, 3)), np.array([0, float(value)]), "A-v0", 5)
    with pytest.raises(NotFinite, match=rf"observation\[1\] {said}"):
        require_finite(np.array([[0.0, float(value)]]), np.zeros(1), "A-v0", 5)
