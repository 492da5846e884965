"""The dataset: every comparison asked, with its arrays, and the newest answer to each."""

from collections.abc import Iterable, Sequence

import numpy as np

from rl_teacher.core.arrays import LabeledBatch, Segments, concatenate
from rl_teacher.records import Comparison, ComparisonId, Label


class Dataset:
    """Comparisons in the order in which they were asked. Labels replace older ones; nothing is ever dropped."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []
        self._row: dict[ComparisonId, int] = {}
        self._left: list[Segments] = []
        self._right: list[Segments] = []
        self._newest: dict[ComparisonId, Label] = {}

    def add(self, comparisons: Sequence[Comparison], left: Segments, right: Segments) -> None:
        """Take in comparisons with their segments, row by row; one that is known already changes nothing."""
        for row, comparison in enumerate(comparisons):
            if comparison.id not in self._row:
                self._row[comparison.id] = len(self.comparisons)
                self.comparisons.append(comparison)
                one = np.array([row])
                self._left.append(left.take(one))
                self._right.append(right.take(one))

    def label(self, labels: Iterable[Label]) -> None:
        """Take in answers: the newest one of a comparison counts."""
        for label in labels:
            if label.comparison in self._row:
                self._newest[label.comparison] = label

    def labeled(self) -> LabeledBatch | None:
        """All comparisons with a target, in the order in which they were asked; None while there are none."""
        rows, targets = [], []
        for row, comparison in enumerate(self.comparisons):
            label = self._newest.get(comparison.id)
            target = label.preference.target if label and label.preference else None
            if target is not None:
                rows.append(row)
                targets.append(target)
        if not rows:
            return None
        left, right = concatenate([self._left[r] for r in rows]), concatenate([self._right[r] for r in rows])
        keys = [int(self.comparisons[r].id.replace("-", "")[:15], 16) for r in rows]
        return LabeledBatch(
            obs=np.stack([left.obs, right.obs], 1),
            action=np.stack([left.reward_action, right.reward_action], 1),
            true_return=np.stack([left.true_reward.sum(1), right.true_reward.sum(1)], 1),
            target=np.array(targets, np.float32),
            key=np.array(keys, np.int64),
        )

    @property
    def asked(self) -> set[frozenset[str]]:
        """Pairs of segment ids that were asked about, in either order."""
        return {frozenset((c.left, c.right)) for c in self.comparisons}

    @property
    def num_answered(self) -> int:
        """Comparisons with an answer, can't tell included: what the 75 % rule counts."""
        return sum(label.preference is not None for label in self._newest.values())

    @property
    def num_decisive(self) -> int:
        """Comparisons answered left or right."""
        return sum(
            label.preference is not None and label.preference.target in (0.0, 1.0) for label in self._newest.values()
        )

    @property
    def num_budgeted(self) -> int:
        """Comparisons that use up label budget: open ones, and those answered left, right or tie."""
        spent = 0
        for comparison in self.comparisons:
            label = self._newest.get(comparison.id)
            spent += label is None or (label.preference is not None and label.preference.counts)
        return spent

    @property
    def num_labels(self) -> int:
        """Comparisons that are trained on."""
        return sum(label.preference is not None and label.preference.counts for label in self._newest.values())
