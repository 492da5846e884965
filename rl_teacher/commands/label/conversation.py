"""The conversation about a data set: questions in turns until the budget is met, and a fit whenever enough is new."""

import itertools
from collections.abc import Callable

from rl_teacher.commands.label.report import LabelReport
from rl_teacher.commands.label.rollouts import EpisodeRollouts
from rl_teacher.config.run import RunConfig
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.protocols import Teacher

TURNS = 20
"""In so many a program is asked, so that later questions may depend on what earlier answers taught: the steps of a run
that has no environment."""
LISTEN_SECONDS = 0.5
"""How long one look for new answers of people waits for the first [s]."""
MOST_EMPTY = 5
"""So many turns in a row may find no pair that was not asked yet."""


def ask_all(
    config: RunConfig, learner: PreferenceLearner, teacher: Teacher, rollouts: EpisodeRollouts, report: LabelReport,
    should_stop: Callable[[], bool],
) -> bool:  # fmt: skip
    """Ask until the budget is met, or until the set has no more pairs; whether it came to that.

    Args:
        config: complete.
        learner: asks, listens and fits.
        teacher: who answers.
        rollouts: of the data set.
        report: told how it goes.
        should_stop: somebody has pressed Ctrl-C.
    """
    for progress in learner.pretrain(rollouts.before(), num_fit_steps=config.pretrain_iters):
        report.waits(progress)
        if should_stop():
            return False
    report.fitted(learner.first_fit)
    talk = _with_program if teacher.answers_at_once else _with_people
    if not talk(config, learner, teacher, rollouts, report, should_stop):
        return False
    if learner.has_news:
        report.fitted(learner.fit(is_last=True))
    return True


def _with_program(
    config: RunConfig, learner: PreferenceLearner, teacher: Teacher, rollouts: EpisodeRollouts, report: LabelReport,
    should_stop: Callable[[], bool],
) -> bool:  # fmt: skip
    for turn in range(1, TURNS + 1):
        if should_stop():
            return False
        learner.observe(rollouts.drawn("label", turn), turn, turn)
        learner.ask_and_listen(0.0, is_last=turn == TURNS)
        report.fitted(learner.fit())
    return True


def _with_people(
    config: RunConfig, learner: PreferenceLearner, teacher: Teacher, rollouts: EpisodeRollouts, report: LabelReport,
    should_stop: Callable[[], bool],
) -> bool:  # fmt: skip
    """The whole budget is due from the beginning: their queue is filled as they answer."""
    wanted, num_empty = config.n_labels or 0, 0
    for turn in itertools.count(1):
        learner.observe(rollouts.drawn("label", turn), turn, TURNS)
        while True:
            if should_stop():
                return False
            if learner.dataset.num_labels >= wanted:
                return True
            learner.ask_and_listen(0.0)
            report.counted(wanted)
            if not learner.dataset.num_open and teacher.room():
                num_empty += 1
                break
            num_empty = 0
            learner.listen(LISTEN_SECONDS)
            if (fit := learner.fit()) is not None:
                report.fitted(fit)
                break
        if num_empty >= MOST_EMPTY:
            return True
    return False
