"""The network: filters that all members share, and a linear layer for each member."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LAST
from rl_teacher.core.vision import PictureNet, Scale, standardized


class PictureNetworks(eqx.Module):
    """Members that see the same features of a picture: filters of their own would cost three times as much.

    Actions are not looked at: Ibarz et al. 2018, arXiv:1811.06521, found no help in them.
    """

    torso: PictureNet
    heads: Float[Array, "feature member"]
    offsets: Float[Array, " member"]
    last_step: Float[Array, " member"]
    """What the last step of an episode is worth beside its picture, where episodes can end early."""

    @classmethod
    def build(cls, obs_shape: tuple[int, ...], config: RewardModelConfig, key: PRNGKeyArray) -> "PictureNetworks":
        """Fresh networks, whose rewards are nearly 0.

        Args:
            obs_shape: (height, width, channels) of a picture.
            config: how many members, and features.
            key: draws the weights.
        """
        torso_key, head_key = jax.random.split(key)
        members = config.num_members
        heads = 0.01 * jax.random.normal(head_key, (config.picture_features, members))
        zeros = jnp.zeros(members)
        return cls(PictureNet.build(obs_shape, config.picture_features, torso_key), heads, zeros, zeros)

    def __call__(
        self, pictures: Num[Array, "picture height width channel"], scale: Scale, phase: Int[Array, " picture"] | None,
        mask: Float[Array, "picture feature"] | None = None,
    ) -> Float[Array, "member picture"]:  # fmt: skip
        """Each member's reward of each picture, not normalized; 0 after the end of an episode.

        Args:
            pictures: as they were observed.
            scale: what they are standardized by.
            phase: LIVED, LAST or ENDED; None where no episode can end early.
            mask: what features are multiplied by while fitting.
        """
        seen = self.torso(standardized(pictures, scale))
        if mask is not None:
            seen = seen * mask
        reward = (seen @ self.heads + self.offsets[None]).T
        if phase is None:
            return reward
        reward = reward + self.last_step[:, None] * (phase == LAST)[None]
        return jnp.where((phase == ENDED)[None], 0.0, reward)
