"""An ensemble as the arrays of a portable reward."""

import itertools

import numpy as np
from jaxtyping import Array, Float

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.rewards.ensemble.members import END_INPUTS
from rl_teacher.rewards.scale import Scale
from rl_teacher.rewards.view import ObsStats

Arrays = dict[str, np.ndarray]


def portable_arrays(
    members: Float[Array, "member params"], stats: ObsStats, scale: Scale, config: RewardModelConfig, *, has_ends: bool
) -> Arrays:
    """What `rewards.portable_networks.networks` reads.

    Args:
        members: one row of parameters per network: all weights in order, then all biases.
        stats: what observations are normalized by.
        scale: of the reward.
        config: hidden layers, pessimism and whether outputs are bounded.
        has_ends: the networks see END_INPUTS more numbers, and what they say of the state after the end is taken off.
    """
    rows = np.asarray(members)
    sizes = (_num_inputs(rows.shape[1], config), *config.hidden, 1)
    weights, biases, at = [], [], 0
    for fan_in, fan_out in itertools.pairwise(sizes):
        weights.append(rows[:, at : at + fan_in * fan_out].reshape(-1, fan_in, fan_out))
        at += fan_in * fan_out
    for fan_out in sizes[1:]:
        biases.append(rows[:, at : at + fan_out])
        at += fan_out
    arrays: Arrays = {}
    if has_ends:  # the last two rows of the first layer: whether a step is the last, and whether it is after the end
        first = weights[0]
        arrays = {"last": first[:, -2], "of_end": _of_end(weights, biases, config)}
        weights[0] = first[:, :-END_INPUTS]
    arrays |= {f"weights_{i}": array for i, array in enumerate(weights)}
    arrays |= {f"biases_{i}": array for i, array in enumerate(biases)}
    mean, std = np.asarray(stats[0]), np.sqrt(np.asarray(stats[1]) + np.float32(1e-8))
    arrays |= {"mean": mean, "std": std, "shift": np.asarray(scale.shift), "factor": np.asarray(scale.factor)}
    arrays["pessimism"] = np.array([config.pessimism])
    found = {name: array.astype(np.float32) for name, array in arrays.items()}
    return found | {"bounded_with_tanh": np.array([config.tanh_output], np.int32)}


def _num_inputs(num_params: int, config: RewardModelConfig) -> int:
    """Of a network with so many parameters."""
    sizes = (*config.hidden, 1)
    later = sum(one * other for one, other in itertools.pairwise(sizes))
    return (num_params - later - sum(sizes)) // sizes[0]


def _of_end(weights: list[np.ndarray], biases: list[np.ndarray], config: RewardModelConfig) -> np.ndarray:
    """What each network says of the state after the end, where all numbers are 0 but the last one."""
    x = weights[0][:, -1] + biases[0]
    for weight, bias in zip(weights[1:], biases[1:], strict=True):
        x = np.einsum("mi,mio->mo", np.where(x > 0, x, np.float32(0.01) * x), weight) + bias
    return np.asarray(np.tanh(x[:, 0]) if config.tanh_output else x[:, 0])
