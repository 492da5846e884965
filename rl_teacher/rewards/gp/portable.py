"""A Gaussian process as the arrays of a portable reward: only weights that are not 0, with all constants worked in."""

import math

import numpy as np
from jaxtyping import Float, Int

from rl_teacher.rewards.gp.basis import ADDITIVE_LENGTH, BLOCKS, NODES, Basis
from rl_teacher.rewards.scale import Scale
from rl_teacher.rewards.view import ObsStats

Arrays = dict[str, np.ndarray]
Columns = Float[np.ndarray, "feature column"]


def portable_arrays(basis: Basis, weights: Columns, stats: ObsStats, scale: Scale, pessimism: float) -> Arrays:
    """What `rewards.portable_process.PROCESS` describes.

    Args:
        basis: the functions.
        weights: of each function, (feature, column): the posterior's mean, then, with pessimism, the members.
        stats: what observations are normalized by.
        scale: of the reward.
        pessimism: how many standard deviations of the members are taken off [1].
    """
    columns, shift = _scaled(weights, scale)
    blocks = dict(zip(basis.blocks, np.split(columns, np.cumsum(basis.sizes)[:-1]), strict=True))
    constant = shift + _offset(basis, blocks)
    arrays = _waves(basis, blocks) | _sparse("linear", blocks["linear"]) | _products(basis, blocks["product"])
    arrays |= _sparse("square", blocks["square"])
    if basis.picture is not None and (met := _sparse("meeting", blocks["meeting"])):
        arrays |= met | {"picture_shape": np.asarray(basis.picture)}
    if blocks["joint"].any():
        size = np.float32(math.sqrt(2 / basis.joint_phases.shape[0]))
        arrays |= {
            "joint_directions": np.asarray(basis.joint_weights), "joint_phases": np.asarray(basis.joint_phases),
            "joint": blocks["joint"] * size,
        }  # fmt: skip
    if basis.turns:
        arrays["turn_at"] = np.asarray(basis.turns)
    if basis.num_obs and blocks["ending"].any():
        arrays |= {"end": blocks["ending"][0]} | _sparse("end_linear", blocks["ending"][1:])
    if basis.num_obs:
        arrays |= _sparse("change", blocks["change"])
    mean, std = np.asarray(stats[0]), np.sqrt(np.asarray(stats[1]) + np.float32(1e-8))
    arrays |= {"mean": mean, "std": std, "constant": constant, "pessimism": np.array([pessimism])}
    return {
        name: array.astype(np.int32 if name.endswith(("_at", "_shape")) else np.float32)
        for name, array in arrays.items()
    }


def _scaled(weights: Columns, scale: Scale) -> tuple[Columns, Float[np.ndarray, " column"]]:
    """Weights of the normalized reward, and its constant.

    The members come as deviations from their mean, so that the root of the sum of squares is their standard
    deviation. Their mean is taken off the weights, as that of float32 sums would leave rounding behind.
    """
    factor, shift = float(scale.factor[0]), float(scale.shift[0])
    reward, members = weights[:, :1] * factor, weights[:, 1:]
    if members.shape[1]:
        members = (members - members.mean(1, keepdims=True)) * (factor / math.sqrt(members.shape[1]))
    return np.concatenate([reward, members], 1), np.array([-shift * factor, *[0.0] * members.shape[1]])


def _offset(basis: Basis, blocks: Arrays) -> Float[np.ndarray, " column"]:
    """What each step is worth beside what is seen of it: survival, less the means of all functions of what is seen."""
    if basis.centers is None:
        return np.zeros(blocks["linear"].shape[1])
    seen = np.concatenate([blocks[name] for name in BLOCKS])
    return np.asarray(blocks["survival"][0] - np.asarray(basis.centers, np.float64) @ seen)


def _sparse(name: str, weights: Columns) -> Arrays:
    """Rows that are not 0, and which they are."""
    at = _in_use(weights)
    return {f"{name}_at": at, name: weights[at]} if at.size else {}


def _in_use(weights: Float[np.ndarray, "row ..."]) -> Int[np.ndarray, " used"]:
    return np.flatnonzero(weights.any(tuple(range(1, weights.ndim))))


def _products(basis: Basis, weights: Columns) -> Arrays:
    at = _in_use(weights)
    pairs = np.stack(np.triu_indices(basis.num_inputs, 1), 1)
    return {"product_at": pairs[at], "product": weights[at]} if at.size else {}


def _waves(basis: Basis, blocks: Arrays) -> Arrays:
    """Curves, and curves of changes: cosines and sines of each number in use, times their amplitude."""
    nodes, share = np.polynomial.hermite_e.hermegauss(NODES)
    upper = nodes > 0
    amplitude = np.sqrt(share[upper] / share[upper].sum() / basis.num_inputs)
    arrays: Arrays = {}
    for name, block in (("curve", "additive"), ("curve_change", "curve change")):
        if block not in blocks or not blocks[block].any():
            continue
        waves = blocks[block].reshape(-1, len(amplitude), 2, blocks[block].shape[1])  # input, node, cosine or sine
        at = _in_use(waves)
        used = waves[at] * amplitude[:, None, None]
        arrays |= {f"{name}_at": at, f"{name}_cos": used[:, :, 0], f"{name}_sin": used[:, :, 1]}
    return arrays | {"frequency": nodes[upper] / ADDITIVE_LENGTH} if arrays else {}
