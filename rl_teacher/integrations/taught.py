"""What the objects of a training script share: returns for its logs, and how a reward in training ends."""

from typing import Self

from rl_teacher.integrations.reward_training import RewardTraining


class Taught:
    """Holds a reward in training; to be closed, or used in a `with` block."""

    training: RewardTraining

    @property
    def returns(self) -> dict[str, float]:
        """Mean returns of the last 100 episodes, for logs: 'predicted_return' and 'true_return', once some ended."""
        return self.training.returns

    def close(self) -> None:
        """Ask what is left of the budget, write the reward and the summary. The environments stay open."""
        self.training.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        """After an error nothing more is asked: what was answered stays, and resume=True goes on."""
        if kind is None:
            self.close()
        else:
            self.training.leave()
