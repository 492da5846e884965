"""Progress: a live bar on a terminal, plain lines elsewhere."""

import math
import sys
import time
from collections.abc import Callable, Mapping

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, TaskProgressColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

LINE_SECONDS = 10.0
"""Time between two plain lines [s]."""


class Progress:
    """Shows steps, speed, labels, returns and the time left while a run goes on."""

    def __init__(self, num_steps: int, log: Callable[[str], None]) -> None:
        self._num_steps = num_steps
        self._log = log
        self._is_terminal = sys.stdout.isatty()
        self._started_at, self._first_step = time.monotonic(), 0
        self._last_line = -math.inf
        self._bar = RichProgress(BarColumn(None), TaskProgressColumn(), TimeRemainingColumn(compact=True), expand=True)
        self._figures = Text()
        self._live: Live | None = None

    def start(self, step: int) -> None:
        """Begin at `step`."""
        self._started_at, self._first_step = time.monotonic(), step

    def rate(self, steps: int) -> float:
        """Environment steps per second since the start."""
        return (steps - self._first_step) / max(time.monotonic() - self._started_at, 1e-9)

    def show(self, steps: int, metrics: Mapping[str, float], *, with_labels: bool) -> None:
        """Show where the run stands."""
        text = describe(metrics, with_labels=with_labels)
        if self._is_terminal:
            if self._live is None:
                self._bar.add_task("", total=self._num_steps)
                self._live = Live(Group(self._bar, self._figures), console=Console(), refresh_per_second=4)
                self._live.start()
            self._bar.update(self._bar.task_ids[0], completed=steps)
            self._figures.plain = f"{steps:,} of {self._num_steps:,} steps · {text}"
        elif time.monotonic() - self._last_line >= LINE_SECONDS or steps >= self._num_steps:
            self._last_line = time.monotonic()
            rate = self.rate(steps)
            left = math.ceil((self._num_steps - steps) / rate) if rate else math.inf  # 0 only at the end
            self._log(f"{steps:>11,}/{self._num_steps:,} steps · {text} · {left:,} s left")

    def stop(self) -> None:
        """Leave the bar as it is."""
        if self._live:
            self._live.stop()
            self._live = None


def describe(metrics: Mapping[str, float], *, with_labels: bool) -> str:
    """The figures of a progress line."""

    def shown(name: str, form: str) -> str:
        value = metrics.get(name, math.nan)
        return "-" if math.isnan(value) else format(value, form)

    parts = [
        f"{shown('time/env_steps_per_second', ',.0f')}/s",
        f"true return {shown('agent/true_reward_per_episode', '.1f')}",
    ]
    if with_labels:
        parts += [
            f"predicted {shown('agent/predicted_reward_per_episode', '.1f')}",
            f"labels {shown('labels/answered', '.0f')}/{shown('labels/total_comparisons', '.0f')}",
            f"correlation {shown('predictor/step_correlation', '.2f')}",
        ]
    return " · ".join(parts)
