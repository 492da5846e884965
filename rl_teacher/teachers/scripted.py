"""Teachers that you write: a Python function of two segments, loaded from path/to/file.py:function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Shaped

from rl_teacher.config.user_code import describe, load_function
from rl_teacher.core.segment import Segment
from rl_teacher.errors import TeacherFault, require
from rl_teacher.oneline import written
from rl_teacher.records import Comparison, Label, Preference, SegmentId
from rl_teacher.teachers.pending import PendingLabels, TeacherState, read


@dataclass(frozen=True, slots=True)
class SegmentView:
    """What a scripted teacher sees of a segment; the arrays are read-only.

    >>> def prefer_still(left: SegmentView, right: SegmentView) -> str:
    ...     moved = [float(np.abs(one.actions).mean()) for one in (left, right)]
    ...     return "tie" if moved[0] == moved[1] else "left" if moved[0] < moved[1] else "right"
    >>> steps = np.zeros((3, 2))
    >>> left, right = (SegmentView(steps, force + steps, steps, steps[:, 0], dt=0.02) for force in (0.1, 0.5))
    >>> prefer_still(left, right)
    'left'
    """

    observations: Shaped[np.ndarray, "step *obs"]
    """What the agent saw, before normalization."""
    actions: Shaped[np.ndarray, "step *act"]
    """What it did."""
    sim_state: Shaped[np.ndarray, "step state"]
    """The simulator before each step; qpos and qvel side by side for the MuJoCo tasks."""
    true_rewards: Float[np.ndarray, " step"]
    """The environment's reward of each step [reward]; 0 after the end."""
    dt: float
    """Time between two steps [s]."""
    end: int = -1
    """Steps until its episode ended, the last one included; -1 if it did not end, or only for a time limit."""

    @property
    def ended(self) -> Bool[np.ndarray, " step"]:
        """Steps after the end of its episode: nothing moves there, and all but `sim_state` is 0."""
        steps = np.arange(len(self.true_rewards))
        return steps >= self.end if self.end >= 0 else np.zeros(len(steps), bool)


Script = Callable[[SegmentView, SegmentView], object]
"""Left and right segment -> "left", "right", "tie" or "cant_tell"; anything else is refused."""

_ANSWERS = frozenset(str(preference) for preference in Preference if preference.is_answer)
_EXPECTED = ", ".join(repr(str(preference)) for preference in Preference if preference.is_answer)


def load_teacher(spec: str, dt: float) -> "ScriptedTeacher":
    """The teacher that `spec`, path/to/file.py:function, names.

    Args:
        spec: file and function.
        dt: time between two steps of the environment [s].

    Raises:
        UserCodeFault: no such file or function, or the file cannot be run.
    """
    require(dt > 0, "dt", dt, "above 0 seconds")
    script, path = load_script(spec)
    return ScriptedTeacher(script, path, spec.rpartition(":")[2], dt)


def load_script(spec: str) -> tuple[Script, Path]:
    """The function that `spec`, path/to/file.py:function, names, and its file.

    Raises:
        UserCodeFault: no such file or function, or the file cannot be run.
    """
    return load_function("--teacher", spec)


class ScriptedTeacher:
    """Asks the function about each comparison, in order, inside `ask`; labels are handed over at the next `poll`.

    Args:
        script: the function.
        path: its file, for messages.
        function_name: its name.
        dt: time between two steps of the environment [s].
    """

    def __init__(self, script: Script, path: Path, function_name: str, dt: float) -> None:
        self.labeler = f"scripted:{function_name}"
        self._script = script
        self._path = path
        self._function_name = function_name
        self._dt = dt
        self._pending = PendingLabels()

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[SegmentId, Segment]) -> None:
        """Answer all comparisons; if one fails, none is answered.

        Raises:
            TeacherFault: the function failed, or answered nonsense.
        """
        self._pending.add({one.id: self._judge(one, segments) for one in comparisons})

    def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
        """The labels given since the last poll; there is nothing to wait for."""
        return self._pending.take(self.labeler)

    @property
    def answers_at_once(self) -> bool:
        """Yes."""
        return True

    def room(self) -> int:
        """None is needed: it holds nothing open."""
        return 0

    def observe(self, mean_episode_return: float | None, episode_steps: int, mean_random_reward: float) -> None:
        """Nothing: a script has no thresholds."""

    def state(self) -> TeacherState:
        """What a checkpoint keeps: the pending labels."""
        return {"pending": self._pending.to_json()}

    def restore(self, state: TeacherState) -> None:
        """Go on from `state`.

        Raises:
            CheckpointError: it is not a state of this teacher.
        """
        self._pending.restore(str(read(state, "pending")))

    def _judge(self, comparison: Comparison, segments: Mapping[SegmentId, Segment]) -> Preference:
        left, right = (_view(segments[one], self._dt) for one in (comparison.left, comparison.right))
        where = f"{self._path}, {self._function_name}(), comparison {comparison.id}"
        try:
            answered = self._script(left, right)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise TeacherFault(
                f"{where}: {describe(error, self._path)}. Fix the function, then run the same command with --resume."
            ) from error
        if not isinstance(answered, str) or answered not in _ANSWERS:
            raise TeacherFault(f"{where}: it returned {written(answered)}, expected one of {_EXPECTED}.")
        return Preference(answered)


def _view(segment: Segment, dt: float) -> SegmentView:
    return SegmentView(
        observations=_read_only(segment.obs),
        actions=_read_only(segment.env_action),
        sim_state=_read_only(segment.sim_state),
        true_rewards=_read_only(segment.true_reward),
        dt=dt,
        end=segment.end,
    )


def _read_only(array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view
