"""The network for pictures as the arrays of a portable reward."""

import numpy as np
from jaxtyping import Array, Float

from rl_teacher.core.vision import Scale as PictureScale
from rl_teacher.rewards.pictures.network import PictureNetworks
from rl_teacher.rewards.scale import Scale


def portable_arrays(
    networks: PictureNetworks, shape: tuple[int, ...], look: PictureScale, scale: Scale, pessimism: float
) -> dict[str, np.ndarray]:
    """What `rewards.portable_pictures.pictures` reads.

    Args:
        networks: torso and heads.
        shape: (height, width, channels) of a picture.
        look: what pictures are standardized by.
        scale: of the reward.
        pessimism: standard deviations over members that are taken off.
    """
    torso = networks.torso
    arrays: dict[str, Array | np.ndarray] = {
        "mean": look[0], "inverse_std": look[1], "heads": networks.heads, "offsets": networks.offsets,
        "last_step": networks.last_step, "shift": scale.shift, "factor": scale.factor,
        "pessimism": np.array([pessimism]),
    }  # fmt: skip
    arrays |= {f"weights_{i}": weight for i, weight in enumerate(torso.weights)}
    arrays |= {f"biases_{i}": bias for i, bias in enumerate(torso.biases)}
    return {"picture_shape": np.array(shape, np.int32)} | {name: _floats(array) for name, array in arrays.items()}


def _floats(array: Float[Array | np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.asarray(array, np.float32)
