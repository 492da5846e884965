import math

import numpy as np
import pytest

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.rewards.ensemble.training import bootstrap_weights, label_weights

KEYS = np.random.default_rng(0).integers(0, 2**60, 20_000)


def test_weights_belong_to_the_label_and_are_never_redrawn():
    weights = bootstrap_weights(KEYS, 3)
    shuffled = np.random.default_rng(1).permutation(len(KEYS))
    np.testing.assert_array_equal(bootstrap_weights(KEYS[shuffled], 3), weights[:, shuffled])
    np.testing.assert_array_equal(bootstrap_weights(KEYS[:5], 3), weights[:, :5])


def test_a_members_weights_do_not_depend_on_how_many_members_there_are():
    np.testing.assert_array_equal(bootstrap_weights(KEYS, 5)[:3], bootstrap_weights(KEYS, 3))


def test_weights_are_poisson_and_hold_out_1_of_e_labels():
    weights = bootstrap_weights(KEYS, 3)
    for member in weights:
        # four standard errors: 4 * sqrt(0.2325 / 20000) = 0.0136
        assert abs((member == 0).mean() - math.exp(-1)) < 0.0136
        for k in range(4):
            assert abs((member == k).mean() - math.exp(-1) / math.factorial(k)) < 0.0136
        assert abs(member.mean() - 1.0) < 4 / math.sqrt(len(KEYS))


def test_members_draw_independently():
    correlations = np.corrcoef(bootstrap_weights(KEYS, 3))
    assert np.abs(correlations - np.eye(3)).max() < 4 / math.sqrt(len(KEYS))


def test_neighboring_keys_draw_independently():
    first = bootstrap_weights(np.arange(20_000), 1)[0]
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 4 / math.sqrt(len(first))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_without_bootstrap_each_member_leaves_out_its_own_share_and_no_label_counts_twice(share: float):
    weights = label_weights(KEYS, RewardModelConfig(num_members=3, held_out=share))
    assert set(np.unique(weights)) <= {0.0, 1.0}
    # four standard errors: 4 * sqrt(0.25 / 20000) = 0.0141
    np.testing.assert_allclose((weights == 0).mean(1), share, atol=0.0141)
    # left out by two members at once: share squared, as if by chance
    assert abs(((weights[0] == 0) & (weights[1] == 0)).mean() - share**2) < 0.0141


def test_a_single_member_leaves_nothing_out():
    assert label_weights(KEYS, RewardModelConfig(num_members=1, bootstrap=True)).min() == 1.0
    assert label_weights(KEYS, RewardModelConfig(num_members=1)).min() == 1.0
