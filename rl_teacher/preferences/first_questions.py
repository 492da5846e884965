"""The first questions: which pairs are asked about before anything is learned."""

from collections.abc import Iterator
from functools import cached_property

from rl_teacher.config.run import SelectionConfig
from rl_teacher.core.arrays import Segments, concatenate
from rl_teacher.core.streams import Streams
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.rarity import FEWEST_ANSWERS, is_mostly_tied
from rl_teacher.preferences.rounds import SORTED, Round, first_round, next_round
from rl_teacher.preferences.segments import distinct

FEW_OPEN = FEWEST_ANSWERS // 2
"""Where questions come in parts, the next part comes when no more than these are open: nobody waits for it."""
MOST_REPEATS = 100
"""How often a teacher who answers at once, but never can tell, is asked anew."""


class FirstQuestions:
    """What is asked before training, until as many questions are asked as were wanted.

    All at once, as in the program of 2017, where `further` is None. Else in parts of FEWEST_ANSWERS; and once most
    answers are ties, more is looked at, and the rare clips of it are asked about: in a game in which random actions
    hardly ever score, two clips drawn at random are worth the same.

    Args:
        segments: of which pairs are made, twice as many as questions.
        num: questions wanted.
        config: which pairs.
        streams: all randomness.
        further: more segments, in parts, for when most answers are ties; not taken where clips are sorted.
    """

    def __init__(
        self, segments: Segments, num: int, config: SelectionConfig, streams: Streams,
        further: Iterator[Segments] | None = None,
    ) -> None:  # fmt: skip
        self.segments = segments
        self._num, self._config, self._streams = num, config, streams
        self._further = None if config.rule == SORTED else further
        self._repeats = 0

    def due(self, dataset: Dataset, *, answers_at_once: bool) -> Round | None:
        """What is to be asked now; None: nothing, or nothing yet.

        Args:
            dataset: what was asked and answered so far, before a crash too.
            answers_at_once: whether the teacher does, and so could be asked anew for ever.
        """
        missing = self._num - dataset.num_budgeted
        if missing <= 0 or (self._further is not None and dataset.num_open > FEW_OPEN):
            return None
        if self._further is None:
            if not dataset.comparisons and self._planned is not None:
                return self._planned
        elif is_mostly_tied(dataset):
            self.segments = distinct(concatenate([self.segments, *self._further]))
            self._further = None
        elif (rest := self._unasked(dataset)) is not None:
            return rest.first(min(missing, FEWEST_ANSWERS))
        if self._repeats == MOST_REPEATS and answers_at_once:
            return None
        self._repeats += 1
        return next_round(self.segments, missing, None, dataset, self._config, self._streams.generator("first"))

    @cached_property
    def _planned(self) -> Round | None:
        """What is asked before anything was answered; None: there is nothing to ask."""
        return first_round(self.segments, self._num, self._config, self._streams.generator("first pairs"))

    def _unasked(self, dataset: Dataset) -> Round | None:
        """Of that what was not asked yet; None: nothing is left."""
        return None if self._planned is None else self._planned.without(dataset.asked)
