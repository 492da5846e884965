"""Which comparisons sort clips: each clip is put to the clip that halves what is open about its place in a list.

The list is derived from what was asked and answered (`rl_teacher.ranking`); nothing of it is kept. Only what is asked
is answered, stored and trained on.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rl_teacher.preferences.sorted_lists import SortedList, asked_lists
from rl_teacher.ranking.answers import Answer, tally
from rl_teacher.ranking.order import Order, order, probability_better
from rl_teacher.ranking.places import chances, without
from rl_teacher.ranking.ranking import IMPROBABLE, SURE, most_questions
from rl_teacher.records import Comparison, ComparisonId, Preference, SegmentId

AT_ONCE = 6
"""So many clips are placed at the same time: while one waits for its answer, the others are asked about."""
NEW_SHARE = 2 / 3
"""Of the clips that are being placed, those that are new to the list: the agent goes on, and so must the questions."""
AGAIN_SHARE = 0.1
"""At most this share of all questions is asked again [1]."""


class Question(NamedTuple):
    """A comparison that is to be asked."""

    left: SegmentId
    right: SegmentId
    number: int = 0
    """How often the pair was asked before."""


class Known(NamedTuple):
    """What was asked and answered so far."""

    comparisons: Sequence[Comparison]
    """In the order in which they were asked."""
    answers: Sequence[Answer]
    """Those that stand."""
    open: Collection[ComparisonId]
    """Comparisons that wait for an answer."""
    overlap: Callable[[SegmentId, SegmentId], bool] = lambda one, other: False
    """Whether two segments share a step: such a pair is never asked."""


def sorted_questions(
    known: Known, fresh: Sequence[SegmentId], num: int, list_clips: int, generator: np.random.Generator
) -> list[Question]:
    """At most `num` questions, none of which has to wait for the answer to another one.

    First an answer that all others make improbable is asked again. Then come clips whose places are open, each put to
    the clip that halves what is open; new ones join while there is room in the list, and a fresh list begins when all
    its clips are placed or wait for answers. Fewer questions come back where nothing new can be asked.

    Args:
        known: what was asked so far.
        fresh: segments that may join, best first; those that were asked about are left out.
        num: how many are wanted.
        list_clips: of a full list.
        generator: draws the sides.
    """
    lists = asked_lists(known.comparisons, list_clips)
    taken = {clip for one in lists for clip in one.clips}
    fresh = [clip for clip in fresh if clip not in taken]
    full = [one for one in lists[:-1] if len(one.clips) >= list_clips]
    nothing = SortedList((), 0)
    repeats = int(AGAIN_SHARE * len(known.comparisons)) - _num_repeats(known.comparisons)
    questions: list[Question] = []
    for one in [*full[-1:], *lists[-1:], nothing]:
        if one is nothing and lists and len(lists[-1].clips) + 2 <= list_clips:
            break  # there is room, but not for what there is
        round_of = _Round(known, one, fresh, list_clips)
        if repeats > 0 and len(questions) < num:
            questions += round_of.again()
            repeats -= 1
        questions += round_of.place(num - len(questions))
        if len(questions) >= num:
            break
    return [one._replace(left=one.right, right=one.left) if generator.random() < 0.5 else one for one in questions]


def _num_repeats(comparisons: Sequence[Comparison]) -> int:
    return len(comparisons) - len({frozenset((one.left, one.right)) for one in comparisons})


class _Round:
    """Questions about one list that are asked together."""

    def __init__(self, known: Known, current: SortedList, fresh: Sequence[SegmentId], list_clips: int) -> None:
        self._known, self._list, self._fresh = known, current, list(fresh)
        self._room = list_clips - len(current.clips)
        self._most = most_questions(list_clips)
        members = set(current.clips)
        own = [one for one in known.comparisons if one.left in members and one.right in members]
        self._asked: dict[frozenset[SegmentId], int] = {}
        self._num = dict.fromkeys(current.clips, 0)
        for one in own:
            pair = frozenset((one.left, one.right))
            self._asked[pair] = self._asked.get(pair, 0) + 1
            for clip in pair:
                self._num[clip] += 1
        waiting = [one for one in own if one.id in known.open]
        self._num_open = len(waiting)
        self._busy = {clip for one in waiting for clip in (one.left, one.right)}
        """Clips that wait for an answer, or are asked about now."""
        ids = {one.id for one in own}
        self._answers = [answer for answer in known.answers if answer.comparison in ids]
        self._at: Mapping[SegmentId, int] = {clip: row for row, clip in enumerate(current.clips)}
        self._order: Order = order(tally(self._answers, current.clips))
        self._sure = [float(place.max()) for place in self._order.places]

    def _is_open(self, clip: SegmentId) -> bool:
        return self._sure[self._at[clip]] < SURE and self._num[clip] < self._most

    def again(self) -> list[Question]:
        """The pair of the most improbable answer once more, if it was asked once."""
        found: list[tuple[float, SegmentId, SegmentId]] = []
        for answer in self._answers:
            pair = frozenset((answer.left, answer.right))
            if answer.preference is Preference.TIE or not answer.preference.counts or self._asked[pair] > 1:
                continue
            is_left = answer.preference is Preference.LEFT
            better, worse = (answer.left, answer.right) if is_left else (answer.right, answer.left)
            found.append((probability_better(self._order, self._at[better], self._at[worse]), better, worse))
        probability, better, worse = min(found, default=(1.0, "", ""))
        if probability >= IMPROBABLE or {better, worse} & self._busy:
            return []
        self._busy |= {better, worse}
        return [Question(better, worse, self._asked[frozenset((better, worse))])]

    def place(self, num: int) -> list[Question]:
        """Questions about at most `num` clips."""
        questions: list[Question] = []
        for clip in self._to_place(num):
            if len(questions) >= num:
                break
            if clip in self._busy or (other := self._opponent(clip)) is None:
                continue
            self._busy |= {clip, other}
            questions.append(Question(clip, other))
        return questions

    def _to_place(self, num: int) -> list[SegmentId]:
        """Whom to ask about: two thirds new ones, then the least sure, then as many new ones as there is room for."""
        clips = [clip for clip in self._list.clips if self._is_open(clip) and clip not in self._busy]
        clips.sort(key=lambda clip: (self._sure[self._at[clip]], self._at[clip]))
        wanted = max(0, math.ceil(NEW_SHARE * (num + self._num_open)) - sum(map(self._is_new, self._busy)))
        new = [clip for clip in clips if self._is_new(clip)][:wanted]
        joining = self._fresh[: max(0, min(self._room, wanted - len(new)))]
        rest = [clip for clip in clips if clip not in new]
        return [*new, *joining, *rest, *self._fresh[len(joining) : max(0, self._room)]]

    def _is_new(self, clip: SegmentId) -> bool:
        """Whether a clip joined later, and its place is open."""
        return clip not in self._at or (self._at[clip] >= self._list.num_first and self._is_open(clip))

    def _opponent(self, clip: SegmentId) -> SegmentId | None:
        """Who halves what is open about a clip's place, of those who are asked about nothing else now."""
        if clip in self._at:
            row = self._at[clip]
            groups, place = without(self._order.groups, row), self._order.places[row]
        else:
            groups = self._order.groups
            place = np.zeros(2 * len(groups) + 1)
            place[0::2] = 1.0 / (len(groups) + 1)
        better, equal = chances(place)
        best: tuple[float, int, int] | None = None
        for group, members in enumerate(groups):
            gap = round(abs(2 * float(better[group]) + float(equal[group]) - 1.0), 9)
            for row in members:
                other = self._list.clips[row]
                if other not in self._busy and self._may_ask(clip, other):
                    best = min(best or (gap, self._num[other], row), (gap, self._num[other], row))
        if best is not None:
            return self._list.clips[best[2]]
        others = (one for one in self._fresh if one != clip and one not in self._busy)
        return next((one for one in others if self._may_ask(clip, one)), None)

    def _may_ask(self, one: SegmentId, other: SegmentId) -> bool:
        return frozenset((one, other)) not in self._asked and not self._known.overlap(one, other)
