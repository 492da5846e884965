"""LessonReport: when learning begins, what the reward looks at, and how it ended, told to the people who teach."""

from collections.abc import Callable, Sequence

from rl_teacher.config.run import RunConfig
from rl_teacher.people.client.messages import Ending, Lesson
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.preferences.schedules import labels_required
from rl_teacher.rewards.relevance import in_words, main_relevances
from rl_teacher.storage.names import RUNS_DIR, slug

LEAST_TOLD = 0.05
"""People who teach are told of what makes up this share of the reward: a card on a phone is small."""


class LessonReport:
    """Tells people how far their lesson is, each thing once.

    Args:
        config: of the run.
        learner: whose reward they teach.
        input_names: of each number that a reward model sees.
        is_own_task: whether they teach something else than what the true reward wants.
        tell: hands it on to them.
    """

    def __init__(
        self, config: RunConfig, learner: PreferenceLearner, input_names: Sequence[str],
        tell: Callable[[Lesson], None], *, is_own_task: bool = False,
    ) -> None:  # fmt: skip
        self._config, self._learner, self._input_names, self._tell = config, learner, input_names, tell
        self._is_own_task = is_own_task
        self._told: Lesson | None = None

    def waits(self) -> None:
        """The first answers are awaited."""
        self._say(self._lesson(has_begun=False))

    def goes_on(self) -> None:
        """The agent learns from answers; what the reward depends on may have changed."""
        self._say(self._lesson(has_begun=True))

    def ends(self, step: int, before: float | None, after: float | None) -> None:
        """It is over.

        Args:
            step: environment steps of training.
            before: mean true return of an episode of random actions; None: not known.
            after: the same of the finished agent.
        """
        if self._is_own_task:  # whoever taught a handstand is not told that it runs more slowly now
            before = after = None
        ending = Ending(
            step, self._learner.dataset.num_labels, before, after, next_commands(self._config), not self._is_own_task
        )
        self._say(self._lesson(has_begun=True, ending=ending))

    def _lesson(self, *, has_begun: bool, ending: Ending | None = None) -> Lesson:
        return Lesson(
            first_labels=max(1, labels_required(self._learner.pretrain_labels)),
            label_budget=self._config.n_labels or 0,
            has_begun=has_begun,
            relevances=relevances_in_words(self._learner, self._input_names, LEAST_TOLD) if has_begun else "",
            ending=ending,
        )

    def _say(self, lesson: Lesson) -> None:
        if lesson != self._told:
            self._told = lesson
            self._tell(lesson)


def relevances_in_words(learner: PreferenceLearner, input_names: Sequence[str], least_share: float = 0.0) -> str:
    """What the reward depends on; empty where no answer prefers a clip, or the model cannot say."""
    if not learner.dataset.num_decisive:
        return ""
    return in_words([one for one in main_relevances(learner.reward, input_names) if one.share >= least_share])


def next_commands(config: RunConfig) -> tuple[str, ...]:
    """What to type once a run is over."""
    where = "" if config.runs_dir == RUNS_DIR else f" --runs-dir {config.runs_dir}"
    return tuple(f"rl-teacher {word} {slug(config.name)}{where}" for word in ("replay", "plot"))
