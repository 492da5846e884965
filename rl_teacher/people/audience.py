"""Audience: the people who teach, as far as they are told how their lesson goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rl_teacher.core.arrays import Segments
from rl_teacher.core.segment import Segment
from rl_teacher.people.client.messages import NO_OUTLOOK, Lesson, Outlook
from rl_teacher.people.feedback_session import FeedbackSession
from rl_teacher.people.predictions import predict_answers
from rl_teacher.preferences.fitted import Fit
from rl_teacher.records import Comparison


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody on the pages of an experiment; satisfies training.reporter.Audience."""

    session: FeedbackSession
    label_link: str
    """Where they answer."""

    def report(self, state: str, step: int, values: Mapping[str, float], outlook: Outlook = NO_OUTLOOK) -> None:
        """What the trainer does now, how the curves go on, and what comes when."""
        self.session.report(state, step, values, outlook)

    def report_fit(self, step: int, fit: Fit, pairs: Sequence[tuple[Comparison, Segments, Segments]]) -> None:
        """What the reward model makes of these comparisons, before and after it learned from their answers."""
        self.session.send_predictions(predict_answers(pairs, step, fit.before, fit.after))

    def report_lesson(self, lesson: Lesson) -> None:
        """How far the lesson is, and at its end how it ended."""
        self.session.report_lesson(lesson)

    def report_refit(self, step: int, num_labels: int) -> None:
        """The reward model was fitted to `num_labels` labels: what it predicts may jump here."""
        self.session.report_refit(step, num_labels)

    def send_video(self, step: int, episode: Segment) -> None:
        """What the agent did after `step` environment steps."""
        self.session.send_video(step, episode)
