"""What a labeling tells: lines for the terminal, and how far it is to the people who answer."""

import math
import time
from collections.abc import Callable, Sequence

from rl_teacher.config.run import RunConfig
from rl_teacher.people.client.messages import Ending, Lesson
from rl_teacher.preferences.fitted import Fit, PretrainProgress
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.preferences.schedules import labels_required
from rl_teacher.training.lesson import LEAST_TOLD, relevances_in_words
from rl_teacher.training.reporter import Audience

REMIND_SECONDS, LEAST_SECONDS = 60.0, 5.0
"""Time between two lines that say how many answers are there: the same number, and another one [s]."""
MOST_PREDICTED = 64
"""Comparisons of which people are shown what the reward model makes of them after one fit, the newest."""


class LabelReport:
    """Tells how a labeling goes, each thing once.

    Args:
        config: complete.
        learner: whose reward is taught.
        names: of each number that a reward sees.
        audience: the people who answer; None where a program does.
        log: gets lines for the terminal.
    """

    def __init__(
        self, config: RunConfig, learner: PreferenceLearner, names: Sequence[str], audience: Audience | None,
        log: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._config, self._learner, self._names = config, learner, names
        self._audience, self._log = audience, log
        self._last_count, self._counted_at = -1, -math.inf
        self._told: Lesson | None = None
        self._has_begun = False

    def waits(self, progress: PretrainProgress) -> None:
        """The first answers are awaited."""
        if progress.is_waiting:
            self._tell(self._lesson())
            self.counted(progress.answers_wanted)

    def counted(self, wanted: int) -> None:
        """How many answers there are; said when it changes, and now and then."""
        if self._audience is None:
            return
        count, now = self._learner.dataset.num_answered, time.monotonic()
        self._audience.report("training" if self._has_begun else "waiting", self._learner.dataset.num_labels, {})
        since = now - self._counted_at
        if (count != self._last_count and since > LEAST_SECONDS) or since > REMIND_SECONDS:
            self._log(f"{count}/{wanted} comparisons labeled. Please label at {self._audience.label_link}")
            self._last_count, self._counted_at = count, now

    def fitted(self, fit: Fit | None) -> None:
        """The reward was fitted anew."""
        self._has_begun = True
        if fit is None:
            return
        num, metrics = self._learner.dataset.num_labels, fit.metrics
        accuracy = metrics.get("predictor/holdout_accuracy", math.nan)
        right = "" if math.isnan(accuracy) else f" Of answers that it has not seen it predicts {accuracy:.0%}."
        self._log(f"Fitted the reward to {num} labels.{right} It looks at: {self._relevances() or 'nothing yet'}")
        if self._audience is None:
            return
        self._tell(self._lesson())
        self._audience.report("training", num, dict(metrics) | {"labels/answered": float(num)})
        self._audience.report_refit(num, num)
        if pairs := self._learner.dataset.pairs(fit.changed[-MOST_PREDICTED:]):
            self._audience.report_fit(num, fit, pairs)

    def ended(self, commands: Sequence[str]) -> None:
        """All answers are there; `commands` is what to type next."""
        num = self._learner.dataset.num_labels
        self._has_begun = True
        self._tell(self._lesson(Ending(num, num, None, None, tuple(commands), is_true=False)))

    def _relevances(self) -> str:
        return relevances_in_words(self._learner, self._names, LEAST_TOLD)

    def _lesson(self, ending: Ending | None = None) -> Lesson:
        return Lesson(
            first_labels=max(1, labels_required(self._learner.pretrain_labels)),
            label_budget=self._config.n_labels or 0, has_begun=self._has_begun,
            relevances=self._relevances() if self._has_begun else "", ending=ending,
        )  # fmt: skip

    def _tell(self, lesson: Lesson) -> None:
        if self._audience is not None and lesson != self._told:
            self._told = lesson
            self._audience.report_lesson(lesson)
