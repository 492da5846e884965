import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_teacher.core.bradley_terry import decisive_accuracy, preference_loss, weighted_mean
from rl_teacher.errors import ConfigError


def loss(gap: float, target: float, **options: float) -> float:
    return float(preference_loss(jnp.float32(gap), jnp.float32(target), **options))


def slope(gap: float, target: float, **options: float) -> float:
    return float(jax.grad(lambda g: preference_loss(g, jnp.float32(target), **options))(jnp.float32(gap)))


@pytest.mark.parametrize(
    ("gap", "target", "expected"),
    [
        (2.0, 1.0, 0.126928),  # -ln(1 / (1 + e^-2)) = -ln 0.880797
        (2.0, 0.0, 2.126928),  # -ln(1 / (1 + e^2)) = -ln 0.119203
        (2.0, 0.5, 1.126928),  # the mean of the two
        (-1.0, 1.0, 1.313262),  # ln(1 + e)
    ],
)
def test_loss_matches_hand_computation(gap: float, target: float, expected: float):
    assert loss(gap, target) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("gap", "target", "expected"),
    [
        (2.0, 1.0, 0.171124),  # P = 0.9 * 0.880797 + 0.05 = 0.842717
        (2.0, 0.0, 1.849711),  # P = 0.9 * 0.119203 + 0.05 = 0.157283
        (-1e4, 1.0, 2.995732),  # a contradicted certainty costs -ln 0.05 and no more
    ],
)
def test_loss_with_random_answers_matches_hand_computation(gap: float, target: float, expected: float):
    assert loss(gap, target, random_answer_prob=0.1) == pytest.approx(expected, abs=1e-5)


def test_smoothing_draws_the_target_to_the_middle():
    # y = 0.9 * 1 + 0.05 = 0.95; 0.95 * 0.126928 + 0.05 * 2.126928 = 0.226928
    assert loss(2.0, 1.0, smoothing=0.05) == pytest.approx(0.226928, abs=1e-6)
    # the smoothed loss is least where sigmoid(gap) = 0.95
    assert slope(math.log(19), 1.0, smoothing=0.05) == pytest.approx(0.0, abs=1e-6)


@given(gap=st.floats(-50, 50, width=32), target=st.sampled_from([0.0, 0.5, 1.0]), coin=st.sampled_from([0.0, 0.1]))
def test_swapping_sides_and_target_changes_nothing(gap: float, target: float, coin: float):
    swapped = loss(-gap, 1.0 - target, random_answer_prob=coin)
    assert loss(gap, target, random_answer_prob=coin) == pytest.approx(swapped, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("target", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("options", [{}, {"random_answer_prob": 0.1}, {"smoothing": 0.05}])
def test_equal_returns_cost_ln_2(target: float, options: dict[str, float]):
    assert loss(0.0, target, **options) == pytest.approx(math.log(2), abs=1e-6)


def test_extreme_gaps_have_finite_losses_and_exact_gradients():
    # d loss / d gap = sigmoid(gap) - target, however wrong the model is
    assert loss(1e4, 0.0) == 1e4
    assert (slope(1e4, 0.0), slope(1e4, 1.0), slope(-1e4, 1.0), slope(-1e4, 0.0)) == (1.0, 0.0, -1.0, 0.0)
    assert [slope(gap, 0.0) for gap in (17.0, 30.0, 60.0)] == pytest.approx([1.0, 1.0, 1.0])
    assert (slope(1e4, 0.5), slope(-1e4, 0.5)) == (0.5, -0.5)


@pytest.mark.parametrize("gap", [1e4, -1e4, 100.0, -100.0, 0.0])
@pytest.mark.parametrize("target", [0.0, 0.5, 1.0])
def test_extreme_gaps_stay_finite_with_random_answers(gap: float, target: float):
    assert math.isfinite(loss(gap, target, random_answer_prob=0.1))
    assert abs(slope(gap, target, random_answer_prob=0.1)) <= 0.5 + 1e-6


def test_the_pull_of_a_contradicting_label_fades_with_random_answers():
    pulls = [slope(gap, 0.0, random_answer_prob=0.1) for gap in (1.0, 5.0, 10.0)]
    assert pulls[0] > pulls[1] > pulls[2] > 0


def test_ties_pull_towards_equal_returns():
    # sigmoid(3) - 0.5 = 0.952574 - 0.5
    assert slope(3.0, 0.5) == pytest.approx(0.452574, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"random_answer_prob": 1.0}, r"random_answer_prob: got 1.0, expected in \[0, 1\)"),
        ({"smoothing": 0.5}, r"smoothing: got 0.5, expected in \[0, 0.5\)"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, float], message: str):
    with pytest.raises(ConfigError, match=message):
        loss(0.0, 0.0, **options)


def test_accuracy_counts_decisive_labels_only():
    # right (weight 1), wrong (weight 2), tie (left out), undecided (weight 1, half): (1 + 0.5) / 4
    gap, target = jnp.array([1.0, 1.0, 5.0, 0.0]), jnp.array([1.0, 0.0, 0.5, 1.0])
    assert float(decisive_accuracy(gap, target, jnp.array([1.0, 2.0, 7.0, 1.0]))) == 0.375


def test_accuracy_of_ties_alone_is_undefined():
    assert np.isnan(float(decisive_accuracy(jnp.ones(2), jnp.full(2, 0.5), jnp.ones(2))))


def test_weighted_mean_matches_hand_computation_and_is_0_of_nothing():
    assert float(weighted_mean(jnp.array([1.0, 5.0, 100.0]), jnp.array([3.0, 1.0, 0.0]))) == 2.0
    assert float(weighted_mean(jnp.array([7.0]), jnp.array([0.0]))) == 0.0
