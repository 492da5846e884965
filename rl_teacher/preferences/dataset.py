"""The dataset: every comparison asked, with its arrays, and the newest answer of each labeler to each."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rl_teacher.core.arrays import NO_END, OBS_FRAMES, LabeledBatch, Segments, concatenate
from rl_teacher.core.frame_stacks import FrameStacks
from rl_teacher.core.row_pairs import RowPairs
from rl_teacher.core.segment import Segment
from rl_teacher.preferences.segments import by_id
from rl_teacher.ranking.answers import Answer
from rl_teacher.records import Comparison, ComparisonId, Label, Preference, SegmentId


class Dataset:
    """Comparisons in the order in which they were asked. Labels replace older ones; nothing is ever dropped."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []
        self.num_changes = 0
        """How often what is trained on changed: answers, revisions and withdrawals. Grows by one for a new label."""
        self._row: dict[ComparisonId, int] = {}
        self._segments: dict[str, dict[str, np.ndarray]] = {}
        """Fields of each segment by its id, however many comparisons it is part of; pictures as single frames."""
        self._newest: dict[ComparisonId, dict[str, Preference]] = {}
        """Comparison -> labeler -> what they said last."""

    def add(self, comparisons: Sequence[Comparison], left: Segments, right: Segments) -> None:
        """Take in comparisons with their segments, row by row; one that is known already changes nothing."""
        for row, comparison in enumerate(comparisons):
            if comparison.id not in self._row:
                self._row[comparison.id] = len(self.comparisons)
                self.comparisons.append(comparison)
                for side, found in ((comparison.left, left), (comparison.right, right)):
                    if side not in self._segments:
                        self._segments[side] = found.take(np.array([row])).fields()

    def label(self, labels: Iterable[Label]) -> list[ComparisonId]:
        """Take in answers, the newest one of a labeler counts; the comparisons whose target changed."""
        changed = []
        for label in labels:
            if label.comparison not in self._row:
                continue
            said, before = self._newest.setdefault(label.comparison, {}), self.target(label.comparison)
            if label.preference is None:
                said.pop(label.labeler, None)
            else:
                said[label.labeler] = label.preference
            if self.target(label.comparison) != before:
                changed.append(label.comparison)
        self.num_changes += len(changed)
        return changed

    def target(self, comparison: ComparisonId) -> float | None:
        """P(left preferred) that is trained on: the mean over labelers; None while nobody gave one."""
        targets = [p.target for p in self._newest.get(comparison, {}).values() if p.target is not None]
        return sum(targets) / len(targets) if targets else None

    def is_open(self, comparison: ComparisonId) -> bool:
        """Whether an answer may still come: nobody gave one, and the question was not taken back."""
        return not self._newest.get(comparison)

    def labeled(self) -> LabeledBatch | None:
        """All comparisons with a target, in the order in which they were asked; None while there are none."""
        targets = [self.target(comparison.id) for comparison in self.comparisons]
        rows = [row for row, target in enumerate(targets) if target is not None]
        if not rows:
            return None
        asked = [self.comparisons[r] for r in rows]
        left, right = self._columns([c.left for c in asked]), self._columns([c.right for c in asked])
        keys = [int(c.id.replace("-", "")[:15], 16) for c in asked]
        return LabeledBatch(
            obs=self._observations(asked),
            action=np.stack([left.reward_action, right.reward_action], 1),
            true_return=np.stack([left.true_reward.sum(1), right.true_reward.sum(1)], 1),
            target=np.array([targets[r] for r in rows], np.float32),
            key=np.array(keys, np.int64),
            phase=_phases(left, right),
            next_obs=np.stack([left.next_obs, right.next_obs], 1) if left.next_obs.size else None,
        )

    def _segment(self, segment: str) -> Segments:
        """One segment as a row."""
        return Segments.from_fields(self._segments[segment])

    def _columns(self, ids: Sequence[str]) -> Segments:
        """These segments without their observations, which may be large."""
        parts = {one: Segments.from_fields(self._without_obs(one)) for one in set(ids)}
        return concatenate([parts[one] for one in ids])

    def _without_obs(self, segment: str) -> dict[str, np.ndarray]:
        fields = self._segments[segment]
        kept = {name: array for name, array in fields.items() if name not in ("obs", OBS_FRAMES)}
        return kept | {"obs": np.zeros((*fields["true_reward"].shape, 0))}

    def _observations(self, asked: Sequence[Comparison]) -> np.ndarray | FrameStacks:
        """Observations of comparisons, (comparison, 2, step, *obs); as single frames where all are stacks alike."""
        sides = [(self._segments[c.left], self._segments[c.right]) for c in asked]
        shapes = {one[OBS_FRAMES].shape if OBS_FRAMES in one else None for pair in sides for one in pair}
        if len(shapes) == 1 and (shape := shapes.pop()) is not None:
            frames = RowPairs([(left[OBS_FRAMES][0], right[OBS_FRAMES][0]) for left, right in sides])
            return FrameStacks(frames, shape[1] - sides[0][0]["true_reward"].shape[1] + 1)
        return np.asarray(RowPairs([(_obs(left), _obs(right)) for left, right in sides]))

    def has(self, comparison: ComparisonId) -> bool:
        """Whether it was asked, or taken in."""
        return comparison in self._row

    def segment(self, segment: SegmentId) -> Segments | None:
        """One that was asked about, as a row; None: it was not."""
        return self._segment(segment) if segment in self._segments else None

    def answers(self) -> list[Answer]:
        """What each labeler says of each comparison now, in the order in which they were asked."""
        return [
            Answer(one.id, one.left, one.right, preference)
            for one in self.comparisons
            for preference in self._newest.get(one.id, {}).values()
        ]

    def open(self) -> list[Comparison]:
        """Comparisons that wait for an answer, oldest first."""
        return [comparison for comparison in self.comparisons if self.is_open(comparison.id)]

    def pairs(self, ids: Iterable[ComparisonId]) -> list[tuple[Comparison, Segments, Segments]]:
        """Comparisons with their left and right segment, a row each; unknown ids are left out."""
        found = [self.comparisons[self._row[one]] for one in ids if one in self._row]
        return [(one, self._segment(one.left), self._segment(one.right)) for one in found]

    def segments(self, comparisons: Iterable[Comparison]) -> Mapping[str, Segment]:
        """Both segments of each comparison by id."""
        pairs = self.pairs(comparison.id for comparison in comparisons)
        return by_id(*(side for _, left, right in pairs for side in (left, right)))

    @property
    def asked(self) -> set[frozenset[str]]:
        """Pairs of segment ids that were asked about, in either order."""
        return {frozenset((c.left, c.right)) for c in self.comparisons}

    @property
    def num_answered(self) -> int:
        """Comparisons with an answer, can't tell included: what the 75 % rule counts."""
        return sum(any(p.is_answer for p in said.values()) for said in self._newest.values())

    @property
    def num_decisive(self) -> int:
        """Comparisons that are trained on with another target than a tie's."""
        return sum(self.target(comparison) not in (None, 0.5) for comparison in self._newest)

    @property
    def num_open(self) -> int:
        """Comparisons that wait for an answer."""
        return len(self.comparisons) - sum(bool(said) for said in self._newest.values())

    @property
    def num_budgeted(self) -> int:
        """Comparisons that use up label budget: open ones, and those answered left, right or tie."""
        return self.num_open + self.num_labels

    @property
    def shows_ends(self) -> bool:
        """Whether an episode ended in a segment that is trained on."""
        asked = [one for one in self.comparisons if self.target(one.id) is not None]
        return any(_ends(self._segments[side]) for one in asked for side in (one.left, one.right))

    @property
    def num_labels(self) -> int:
        """Comparisons that are trained on."""
        return sum(self.target(comparison) is not None for comparison in self._newest)


def _ends(fields: Mapping[str, np.ndarray]) -> bool:
    """Whether an episode ended in this segment; segments in which none did have no such field."""
    return "end" in fields and bool((fields["end"] != NO_END).any())


def _obs(fields: Mapping[str, np.ndarray]) -> np.ndarray:
    """Observations of one segment, (step, *obs)."""
    obs: np.ndarray = Segments.from_fields(fields).obs[0]
    return obs


def _phases(left: Segments, right: Segments) -> np.ndarray | None:
    """Phases of both sides; None where nothing ended."""
    if (left.end == NO_END).all() and (right.end == NO_END).all():
        return None
    return np.stack([left.phase(), right.phase()], 1)
