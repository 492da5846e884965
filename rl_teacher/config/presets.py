"""Settings of others as one word: `--preset openai2017` is the program of 2017, `--preset paper` what its paper says.

A preset is the configuration that a run begins with instead of the defaults; every flag that is given wins over it,
also one that is given with its default value. In Python:

    dataclasses.replace(preset("paper"), env_id="ShortHopper-v1", predictor="synth", name="x", agent="trpo")
"""

import dataclasses
from typing import TYPE_CHECKING

from rl_teacher.config.agents import PPOConfig, TRPOConfig
from rl_teacher.config.choices import choose
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.run import RunConfig, SelectionConfig, of_today
from rl_teacher.config.schedule import ScheduleConfig
from rl_teacher.errors import require

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OPENAI2017 = RunConfig(
    preset="openai2017",
    teacher="openai2017",
    reward=RewardModelConfig(
        model="ensemble", num_members=1, tanh_output=False, learning_rate=1e-3, label_smoothing=0.0,
        bootstrap=False, num_crops=0, warm_start=True, passes_per_fit=20.0, min_steps=50,
        max_frames=0, weight_decay=0.0, adapt_weight_decay=False, dropout=0.5, max_grad_norm=1e9, normalize=False,
    ),
    ppo=PPOConfig(
        num_envs=8, rollout_steps=2048, discount=0.99, learning_rate=3e-4, final_learning_rate=3e-4, num_epochs=10,
        entropy_coef=0.0, final_entropy_coef=0.0,
        minibatch_size=64, adam_eps=1e-8, init_log_std=0.0,
    ),
    trpo=TRPOConfig(num_envs=8, rollout_steps=1000, discount=0.995, gae_lambda=1.0, max_kl=0.001),
    selection=SelectionConfig(rule="uniform", candidates=1),
    pretrain_rollouts="random_actions",
)  # fmt: skip
"""The program of 2017: its single network, uniform queries, its numbers of both agents."""

PAPER = RunConfig(
    preset="paper",
    reward=RewardModelConfig(
        model="ensemble", num_members=3, hidden=(64, 64), tanh_output=False, random_answer_prob=0.1,
        label_smoothing=0.0, bootstrap=True, num_crops=0, max_frames=0, adapt_weight_decay=True, normalize=True,
        warm_start=True, passes_per_fit=20.0, min_steps=50,
    ),
    ppo=PPOConfig(discount=0.995, gae_lambda=0.97, entropy_coef=0.01, final_entropy_coef=0.01),
    trpo=TRPOConfig(discount=0.995, gae_lambda=0.97, entropy_coef=0.01),
    selection=SelectionConfig(rule="disagreement", candidates=10),
    schedule=ScheduleConfig(kind="hyperbolic"),
    pretrain_rollouts="policy",
)  # fmt: skip
"""What Christiano et al. 2017, arXiv:1706.03741, state for MuJoCo; our defaults where they state nothing.

Three networks of 2 x 64 on bootstrap samples, a noise floor of 10 %, whole segments, disagreement among ten times as
many candidates, first segments from a policy that has learned nothing, and a hyperbolic label rate whose 2 million
steps are 0.4 of a run of 5 million. Their agent is TRPO; PPO gets its discount, lambda and entropy bonus.
"""

PRESETS = {"default": RunConfig(), "openai2017": OPENAI2017, "paper": PAPER}
"""Name -> the configuration that a run begins with."""


def preset(name: str) -> RunConfig:
    """The configuration that a run with this preset begins with.

    >>> preset("paper").selection.rule
    'disagreement'

    Raises:
        UnknownChoice: there is no preset of this name.
    """
    known = str(of_today({"preset": name})["preset"])
    choose("--preset", known, tuple(PRESETS))
    return PRESETS[known]


def require_preset(config: RunConfig) -> None:
    """Refuse a configuration that names a preset and has nothing of it, as RunConfig(preset="paper") would.

    Raises:
        ConfigError: it has nothing of it.
    """
    is_so = config.preset == "default" or _has_any_of(preset(config.preset), config, PRESETS["default"])
    expected = f"its settings too. In Python, begin with dataclasses.replace(preset({config.preset!r}), ...)"
    require(is_so, "preset", config.preset, expected)


def _has_any_of(whole: "DataclassInstance", config: object, default: object) -> bool:
    """Whether any setting is as in `whole` and not the default."""
    for field in dataclasses.fields(whole):
        wanted, has, usual = (getattr(one, field.name) for one in (whole, config, default))
        if dataclasses.is_dataclass(wanted) and not isinstance(wanted, type):
            if _has_any_of(wanted, has, usual):
                return True
        elif field.name != "preset" and wanted == has != usual:
            return True
    return False
