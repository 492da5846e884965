"""When to ask: how many comparisons are wanted up to now, as a pure function of step and time.

Every schedule counts the pretraining labels P, wants exactly P at step 0, never falls, and gives whole numbers by
rounding *down*: a label is wanted once it is due in full. Those with a budget L want exactly L from the horizon on.
"""

import bisect
import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, runtime_checkable

from rl_teacher.config.choices import choose
from rl_teacher.config.schedule import ScheduleConfig
from rl_teacher.errors import ConfigError, require

FIRST_LABELS = 50
"""Labels that an agent should not begin without, where they are at most half of the budget: measured with 100."""

KINDS = ("annealed", "hyperbolic", "constant_seconds", "constant_steps", "rounds", "none")


@runtime_checkable
class Schedule(Protocol):
    """How many comparisons are wanted."""

    def wanted(self, step: int, seconds: float) -> int:
        """Comparisons wanted in total after `step` env steps and `seconds` of joint training, pretraining included."""
        ...


@dataclass(frozen=True, slots=True)
class Annealed:
    """n(T) = P + (L - P) (1 - 0.01^(T / T_f)) / 0.99: half of the rest at 15 % of the run.

    Source: the program of 2017, divided by 0.99 so that it ends at L.
    """

    pretrain_labels: int
    num_labels: int
    horizon_steps: int

    def wanted(self, step: int, seconds: float) -> int:
        """See `Schedule`."""
        share = (1 - 0.01 ** (step / self.horizon_steps)) / 0.99
        return _between(self.pretrain_labels, self.num_labels, share, is_over=step >= self.horizon_steps)


@dataclass(frozen=True, slots=True)
class Hyperbolic:
    """n(T) = P + (L - P) ln(1 + T / tau) / ln(1 + T_f / tau): a rate proportional to tau / (T + tau).

    Source: Christiano et al. 2017, arXiv:1706.03741, appendix A, where tau is 2e6 steps.
    """

    pretrain_labels: int
    num_labels: int
    horizon_steps: int
    tau_steps: float

    def wanted(self, step: int, seconds: float) -> int:
        """See `Schedule`."""
        share = math.log1p(step / self.tau_steps) / math.log1p(self.horizon_steps / self.tau_steps)
        return _between(self.pretrain_labels, self.num_labels, share, is_over=step >= self.horizon_steps)


@dataclass(frozen=True, slots=True)
class ConstantInSeconds:
    """n = P + seconds / seconds_per_label, at most L if there is a budget; the schedule of 2017 without one.

    The clock starts when joint training does, and stands still while a run is interrupted.
    """

    pretrain_labels: int
    seconds_per_label: float
    num_labels: int | None = None

    def wanted(self, step: int, seconds: float) -> int:
        """See `Schedule`."""
        wanted = self.pretrain_labels + math.floor(seconds / self.seconds_per_label)
        return wanted if self.num_labels is None else min(wanted, self.num_labels)


@dataclass(frozen=True, slots=True)
class ConstantInSteps:
    """n(T) = P + labels_per_step * T up to the horizon; a fraction, so that the end is exact."""

    pretrain_labels: int
    labels_per_step: Fraction
    horizon_steps: int

    def wanted(self, step: int, seconds: float) -> int:
        """See `Schedule`."""
        return self.pretrain_labels + math.floor(self.labels_per_step * min(step, self.horizon_steps))


@dataclass(frozen=True, slots=True)
class Rounds:
    """`totals[i]` from `steps[i]` on, P before: many labels at once, then none for a while.

    Source: PEBBLE, arXiv:2106.05091.
    """

    pretrain_labels: int
    steps: tuple[int, ...]
    totals: tuple[int, ...]

    def wanted(self, step: int, seconds: float) -> int:
        """See `Schedule`."""
        rounds_begun = bisect.bisect_right(self.steps, step)
        return self.totals[rounds_begun - 1] if rounds_begun else self.pretrain_labels


@dataclass(frozen=True, slots=True)
class NoLabels:
    """Wants nothing: for `-p rl`."""

    def wanted(self, step: int, seconds: float) -> int:
        """See `Schedule`."""
        return 0


def build_schedule(
    kind: str,
    *,
    pretrain_labels: int,
    horizon_steps: int,
    num_labels: int | None = None,
    options: ScheduleConfig | None = None,
) -> Schedule:
    """The schedule called `kind`.

    Args:
        kind: one of KINDS.
        pretrain_labels: P, labels before any training.
        horizon_steps: T_f, env steps of the run.
        num_labels: L, the whole budget; annealed and hyperbolic need one.
        options: the rest; its own `kind` is what the user said, such as auto.

    Raises:
        UnknownChoice: there is no schedule of this name.
        ConfigError: a value is out of range, or a budget is missing or cannot be met.
    """
    choose("schedule", kind, KINDS)
    if kind == "none":
        return NoLabels()
    options = options or ScheduleConfig()
    require(pretrain_labels >= 1, "pretrain_labels", pretrain_labels, "at least 1")
    require(horizon_steps >= 1, "horizon_steps", horizon_steps, "at least 1")
    expected = f"at least the {pretrain_labels} labels before training"
    require(num_labels is None or num_labels >= pretrain_labels, "num_labels", num_labels, expected)

    if kind == "constant_seconds":
        return ConstantInSeconds(pretrain_labels, options.seconds_per_label, num_labels)
    if kind == "constant_steps":
        rate = _labels_per_step(pretrain_labels, num_labels, horizon_steps, options.steps_per_label)
        return ConstantInSteps(pretrain_labels, rate, horizon_steps)
    if kind == "rounds":
        return _build_rounds(pretrain_labels, num_labels, horizon_steps, options)
    if num_labels is None:
        raise ConfigError(f"Schedule {kind!r}: got no label budget, expected one. Give -l/--n_labels.")
    if kind == "annealed":
        return Annealed(pretrain_labels, num_labels, horizon_steps)
    tau_steps = 0.4 * horizon_steps if options.tau_steps is None else options.tau_steps
    return Hyperbolic(pretrain_labels, num_labels, horizon_steps, tau_steps)


def default_pretrain_labels(num_labels: int, *, at_least: int = FIRST_LABELS) -> int:
    """A quarter of the budget, the rule of the program of 2017 and of its paper; of a small budget more, up to half.

    Args:
        num_labels: the budget.
        at_least: so many where half of the budget allows it, as an agent does not unlearn what too few taught it
            (docs/notebook.md); 0 for the quarter alone.
    """
    return max(1, num_labels // 4, min(num_labels // 2, at_least))


def labels_required(pretrain_labels: int) -> int:
    """How many answers of the first round training waits for: 75 %, rounded down, as in 2017; 131 of 175."""
    return 3 * pretrain_labels // 4


def _between(first: int, last: int, share: float, *, is_over: bool) -> int:
    """`share` of the way from `first` to `last`, rounded down; `last` itself once it is over."""
    return last if is_over else min(last, first + math.floor((last - first) * share))


def _labels_per_step(
    pretrain_labels: int, num_labels: int | None, horizon_steps: int, steps_per_label: float | None
) -> Fraction:
    if steps_per_label is None:
        rest = 3 * pretrain_labels if num_labels is None else num_labels - pretrain_labels
        return Fraction(rest, horizon_steps)
    if num_labels is not None:
        raise ConfigError(
            f"Schedule 'constant_steps': got both a budget of {num_labels} labels and {steps_per_label} steps per "
            "label, expected one of them. Leave -l or --schedule.steps_per_label out."
        )
    return 1 / Fraction(steps_per_label)


def _build_rounds(pretrain_labels: int, num_labels: int | None, horizon_steps: int, options: ScheduleConfig) -> Rounds:
    """Rounds at N, 2 N, ... before the horizon: labels asked at its very end would teach nothing."""
    steps_per_round = options.steps_per_round or max(1, horizon_steps // 20)
    steps = tuple(range(steps_per_round, horizon_steps, steps_per_round))
    if not steps:
        raise ConfigError(
            f"Schedule 'rounds': got a round every {steps_per_round} steps, expected fewer than the run's "
            f"{horizon_steps} steps. Set --schedule.steps_per_round lower."
        )
    weights = [_round_weight(step, horizon_steps, options.round_shape) for step in steps]
    if options.labels_per_round is None:
        rest = 3 * pretrain_labels if num_labels is None else num_labels - pretrain_labels
        due = list(itertools.accumulate(float(weight) for weight in weights))
        spread = (pretrain_labels + math.floor(rest * so_far / due[-1]) for so_far in due[:-1])
        totals = (*spread, pretrain_labels + rest)  # x * y / y can round below x
        return Rounds(pretrain_labels, steps, totals)
    asked = (math.floor(options.labels_per_round * weight) for weight in weights)
    totals = tuple(pretrain_labels + so_far for so_far in itertools.accumulate(asked))
    if num_labels is not None and totals[-1] < num_labels:
        raise ConfigError(
            f"Schedule 'rounds': {len(steps)} rounds of {options.labels_per_round} labels ({options.round_shape}) and "
            f"{pretrain_labels} before training are {totals[-1]}, expected at least the budget of {num_labels}. "
            "Set --schedule.labels_per_round higher or --schedule.steps_per_round lower, or leave the first out."
        )
    cap = totals[-1] if num_labels is None else num_labels
    return Rounds(pretrain_labels, steps, tuple(min(total, cap) for total in totals))


def _round_weight(step: int, horizon_steps: int, shape: str) -> Fraction:
    if shape == "decay":
        return Fraction(horizon_steps - step, horizon_steps)
    if shape == "increase":
        return Fraction(horizon_steps, horizon_steps - step + 1)
    return Fraction(1)
