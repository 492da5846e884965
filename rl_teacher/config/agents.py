"""Settings of the three agents."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from rl_teacher.errors import require

T = TypeVar("T")

LOOK_AHEAD_STEPS = 100.0
LOOK_AHEAD_SECONDS = 1.6


@dataclass(frozen=True, slots=True)
class PPOConfig:
    """How PPO learns; docs/agents.md has the source of each number."""

    num_envs: int = 64
    """Environments stepped side by side."""
    rollout_steps: int = 64
    """Steps of each environment per iteration."""
    hidden: tuple[int, ...] | None = None
    """Units of the hidden layers of policy and value network; unset: 64,64. Of pictures, what comes out of the
    convolutional network that both share; unset: 256."""
    discount: float | None = None
    """Discount of the return (gamma), in [0, 1]; unset: looks ahead 100 steps, or 1.6 s where these are more."""
    gae_lambda: float = 0.95
    """Lambda of the advantage estimate, in [0, 1]."""
    learning_rate: float | None = None
    """Adam's step size at the start; unset: 3e-3, of pictures 1e-3, for a million steps; half for twice as many, and
    a third for three million or more."""
    final_learning_rate: float | None = None
    """Adam's step size at the end, linear in between; unset: a tenth of that at the start."""
    num_epochs: int | None = None
    """Passes over each batch; unset: 6, of pictures 4."""
    minibatch_size: int | None = None
    """Samples per gradient step; unset: 512, of pictures 256."""
    clip_ratio: float = 0.2
    """The ratio of new to old probability is clipped to 1 +- this."""
    entropy_coef: float | None = None
    """Weight of the entropy bonus at the start; unset: 0.003, of pictures 0.01. A policy that has stopped exploring
    cannot follow a reward that still changes."""
    final_entropy_coef: float | None = None
    """Weight of the entropy bonus at the end, linear in between; unset: as at the start."""
    value_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Gradients are scaled down to this norm."""
    adam_eps: float = 1e-5
    """Adam's epsilon."""
    init_log_std: float | None = None
    """Log standard deviation of the Gaussian policy at the start; unset: -ln(actions)/2, noise of length 1 in all."""

    def __post_init__(self) -> None:
        check_on_policy("ppo", self)
        for name, number in (("num_epochs", self.num_epochs), ("minibatch_size", self.minibatch_size)):
            require(number is None or number >= 1, f"ppo.{name}", number, "at least 1")
        require(0 < self.clip_ratio < 1, "ppo.clip_ratio", self.clip_ratio, "in (0, 1)")


@dataclass(frozen=True, slots=True)
class TRPOConfig:
    """How TRPO learns; docs/agents.md has the source of each number."""

    num_envs: int = 64
    """Environments stepped side by side."""
    rollout_steps: int = 64
    """Steps of each environment per iteration."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of the hidden layers of policy and value network."""
    discount: float | None = None
    """Discount of the return (gamma), in [0, 1]; unset: looks ahead 100 steps, or 1.6 s where these are more."""
    gae_lambda: float = 0.97
    """Lambda of the advantage estimate, in [0, 1]."""
    max_kl: float = 0.02
    """Largest mean KL divergence of one update [nats]."""
    cg_steps: int = 10
    """Steps of the conjugate gradients."""
    cg_damping: float = 0.1
    """Added to the diagonal of the Fisher matrix."""
    line_search_shrink: float = 0.8
    """Factor between two tries of the line search."""
    line_search_tries: int = 10
    """Most tries of the line search."""
    entropy_coef: float = 0.0
    """Weight of the entropy bonus."""
    value_learning_rate: float = 1e-3
    """Adam's step size of the value network."""
    value_epochs: int = 5
    """Passes of the value network over each batch."""
    minibatch_size: int = 512
    """Samples per gradient step of the value network."""
    init_log_std: float | None = None
    """Log standard deviation of the Gaussian policy at the start; unset: -ln(actions)/2, noise of length 1 in all."""

    def __post_init__(self) -> None:
        check_on_policy("trpo", self)
        require(self.max_kl > 0, "trpo.max_kl", self.max_kl, "above 0")
        require(self.cg_steps >= 1, "trpo.cg_steps", self.cg_steps, "at least 1")
        require(0 < self.line_search_shrink < 1, "trpo.line_search_shrink", self.line_search_shrink, "in (0, 1)")


@dataclass(frozen=True, slots=True)
class SACConfig:
    """How SAC learns; docs/agents.md has the source of each number."""

    num_envs: int = 8
    """Environments stepped side by side."""
    rollout_steps: int = 64
    """Steps of each environment per iteration."""
    hidden: tuple[int, ...] = (128, 128)
    """Units of the hidden layers of policy and critics."""
    discount: float = 0.99
    """Discount of the return (gamma), in [0, 1]."""
    updates_per_step: float = 0.5
    """Gradient steps for each environment step."""
    batch_size: int = 256
    """Replayed steps of a gradient step."""
    learning_rate: float = 3e-4
    """Adam's step size of policy and critics."""
    alpha_learning_rate: float = 3e-4
    """Adam's step size of the entropy's weight."""
    init_alpha: float = 0.1
    """Weight of the entropy at the start."""
    target_rate: float = 0.005
    """How far the target critics follow with each gradient step."""
    replay_steps: int = 300_000
    """The newest steps that are kept."""
    recent_share: float = 0.5
    """Share of a minibatch that is from the newest `recent_steps`."""
    recent_steps: int = 10_000
    """How many steps count as new."""
    explore_steps: int = 4000
    """Steps at the start that go where few have been, whatever the reward; none with the true reward."""
    reset_below: float = 0.5
    """Begin anew with the critics when the reward correlates less than this with the one before."""

    def __post_init__(self) -> None:
        check_agent("sac", self)
        require(self.discount < 1, "sac.discount", self.discount, "in [0, 1)")
        require(self.updates_per_step > 0, "sac.updates_per_step", self.updates_per_step, "above 0")
        require(self.batch_size >= 1, "sac.batch_size", self.batch_size, "at least 1")
        require(self.init_alpha > 0, "sac.init_alpha", self.init_alpha, "above 0")
        require(0 < self.target_rate <= 1, "sac.target_rate", self.target_rate, "in (0, 1]")
        require(self.replay_steps >= 1, "sac.replay_steps", self.replay_steps, "at least 1")
        require(0 <= self.recent_share <= 1, "sac.recent_share", self.recent_share, "in [0, 1]")
        require(self.recent_steps >= 1, "sac.recent_steps", self.recent_steps, "at least 1")
        require(self.explore_steps >= 0, "sac.explore_steps", self.explore_steps, "at least 0")


OF_VECTORS: Mapping[str, Any] = {
    "hidden": (64, 64), "learning_rate": 3e-3, "num_epochs": 6, "minibatch_size": 512,
    "entropy_coef": 0.003,
}  # fmt: skip
"""What PPO takes for settings that are unset."""
OF_PICTURES: Mapping[str, Any] = {
    "hidden": (256,), "learning_rate": 1e-3, "num_epochs": 4, "minibatch_size": 256,
    "entropy_coef": 0.01,
}  # fmt: skip
"""The same where observations are pictures: docs/agents.md."""
USUAL_STEPS = 1_000_000
"""Of a whole run, for which these step sizes were measured."""
LEAST_SHARE = 1 / 3
"""Of the usual step size, in the longest runs."""


def settled(config: PPOConfig, *, sees_pictures: bool, num_steps: int = USUAL_STEPS) -> PPOConfig:
    """The settings with those that were unset, but for the discount (see `discount_of`).

    Steps that are the best for a short training are too bold for a long one: docs/notebook.md#longer-trainings.

    Args:
        config: as given.
        sees_pictures: whether observations are pictures.
        num_steps: environment steps of the whole run.

    >>> settled(PPOConfig(num_epochs=2), sees_pictures=True).minibatch_size
    256
    >>> settled(PPOConfig(), sees_pictures=False, num_steps=2_000_000).learning_rate
    0.0015
    """
    usual = OF_PICTURES if sees_pictures else OF_VECTORS
    unset = {name: value for name, value in usual.items() if getattr(config, name) is None}
    if "learning_rate" in unset:
        unset["learning_rate"] *= min(1.0, max(LEAST_SHARE, USUAL_STEPS / num_steps))
    config = dataclasses.replace(config, **unset)
    if config.final_learning_rate is None:
        tenth = float(f"{known(config.learning_rate) / 10:.9g}")  # 0.0003, and not 0.00030000000000000003
        config = dataclasses.replace(config, final_learning_rate=tenth)
    if config.final_entropy_coef is None:
        config = dataclasses.replace(config, final_entropy_coef=config.entropy_coef)
    return config


def known(value: T | None) -> T:
    """A setting that `settled` has filled in."""
    assert value is not None, "settled() fills it in"
    return value


def check_on_policy(section: str, config: PPOConfig | TRPOConfig) -> None:
    """The ranges that both on-policy agents share."""
    check_agent(section, config)
    require(0 <= config.gae_lambda <= 1, f"{section}.gae_lambda", config.gae_lambda, "in [0, 1]")
    bonus = config.entropy_coef
    require(bonus is None or bonus >= 0, f"{section}.entropy_coef", bonus, "at least 0")


def check_agent(section: str, config: PPOConfig | TRPOConfig | SACConfig) -> None:
    """The ranges that all agents share."""
    require(config.num_envs >= 1, f"{section}.num_envs", config.num_envs, "at least 1")
    require(config.rollout_steps >= 1, f"{section}.rollout_steps", config.rollout_steps, "at least 1")
    hidden = config.hidden
    is_network = hidden is None or (len(hidden) >= 1 and min(hidden) >= 1)
    require(is_network, f"{section}.hidden", hidden, "positive sizes")
    discount = config.discount
    require(discount is None or 0 <= discount <= 1, f"{section}.discount", discount, "in [0, 1]")


def discount_of(config: PPOConfig | TRPOConfig, dt: float | None = None) -> float:
    """The discount that is set; else that of an agent which looks ahead 100 steps, or 1.6 s where these are more.

    It looks ahead 1 / (1 - discount) steps. One that looks less far than its robot falls learns to leap and to crash: a
    Hopper, of 8 ms a step, ran faster and faster and fell after 200 steps with 0.99 (docs/notebook.md).

    Args:
        config: of the agent.
        dt: simulated time of a step [s], where known.
    """
    if config.discount is not None:
        return config.discount
    return 1.0 - 1.0 / max(LOOK_AHEAD_STEPS, LOOK_AHEAD_SECONDS / dt if dt else 0.0)
