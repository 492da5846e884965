"""Teachers that you write: a Python function of two segments, loaded from path/to/file.py:function."""

import difflib
import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from jaxtyping import Float, Shaped

from rl_teacher.errors import TeacherFault, require
from rl_teacher.records import Comparison, Label, Preference, SegmentId
from rl_teacher.teachers.judged import JudgedSegment
from rl_teacher.teachers.pending import PendingLabels, TeacherState, read


@dataclass(frozen=True, slots=True)
class SegmentView:
    """What a scripted teacher sees of a segment; the arrays are read-only."""

    observations: Shaped[np.ndarray, "step *obs"]
    """What the agent saw, before normalization."""
    actions: Shaped[np.ndarray, "step *act"]
    """What it did."""
    sim_state: Shaped[np.ndarray, "step state"]
    """The simulator before each step; qpos and qvel side by side for the MuJoCo tasks."""
    true_rewards: Float[np.ndarray, " step"]
    """The environment's reward of each step [reward]."""
    dt: float
    """Time between two steps [s]."""


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
        TeacherFault: no such file or function, or the file cannot be run.
    """
    require(dt > 0, "dt", dt, "above 0 seconds")
    script, path = load_script(spec)
    return ScriptedTeacher(script, path, spec.rpartition(":")[2], dt)


def load_script(spec: str) -> tuple[Script, Path]:
    """The function that `spec`, path/to/file.py:function, names, and its file.

    Raises:
        TeacherFault: no such file or function, or the file cannot be run.
    """
    file_name, _, function_name = spec.rpartition(":")
    if not file_name or not function_name.isidentifier():
        raise TeacherFault(f"Teacher {spec!r}: expected path/to/file.py:function, e.g. examples/own_teacher.py:prefer.")
    path = Path(file_name).expanduser().resolve()
    if not path.is_file():
        raise TeacherFault(f"Teacher {spec!r}: there is no file {path}. Give the path of a Python file.")
    functions = {name: value for name, value in vars(_load_module(path, spec)).items() if callable(value)}
    if function_name not in functions:
        close = difflib.get_close_matches(function_name, functions, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise TeacherFault(f"Teacher {spec!r}: {path} has no function {function_name!r}.{hint} Define it at top level.")
    return functions[function_name], path


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

    def ask(self, comparisons: Sequence[Comparison], segments: Mapping[SegmentId, JudgedSegment]) -> None:
        """Answer all comparisons; if one fails, none is answered.

        Raises:
            TeacherFault: the function failed, or answered nonsense.
        """
        self._pending.add({one.id: self._judge(one, segments) for one in comparisons})

    def poll(self, timeout_s: float = 0.0) -> Sequence[Label]:
        """The labels given since the last poll; there is nothing to wait for."""
        return self._pending.take(self.labeler)

    def room(self) -> int | None:
        """Any number: it answers at once."""
        return None

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

    def _judge(self, comparison: Comparison, segments: Mapping[SegmentId, JudgedSegment]) -> Preference:
        left, right = (_view(segments[one], self._dt) for one in (comparison.left, comparison.right))
        where = f"{self._path}, {self._function_name}(), comparison {comparison.id}"
        try:
            answered = self._script(left, right)
        except Exception as error:
            raise TeacherFault(
                f"{where}: {_describe(error, self._path)}. Fix the function, then run the same command with --resume."
            ) from error
        if not isinstance(answered, str) or answered not in _ANSWERS:
            raise TeacherFault(f"{where}: it returned {answered!r}, expected one of {_EXPECTED}.")
        return Preference(answered)


def _view(segment: JudgedSegment, dt: float) -> SegmentView:
    return SegmentView(
        observations=_read_only(segment.obs),
        actions=_read_only(segment.actions),
        sim_state=_read_only(segment.sim_state),
        true_rewards=_read_only(segment.true_reward),
        dt=dt,
    )


def _read_only(array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _load_module(path: Path, spec: str) -> ModuleType:
    """Run the file as a module whose name no import statement can spell, so that it shadows nothing."""
    name = f"<rl-teacher script {hashlib.sha256(str(path).encode()).hexdigest()[:16]}>"
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise TeacherFault(f"Teacher {spec!r}: {path} is no Python file. Its name should end in .py.")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module  # dataclasses look their module up while the file runs, and pickle later
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise TeacherFault(
            f"Teacher {spec!r}: {path} cannot be run: {_describe(error, path)}. Fix it, then run the command again."
        ) from error
    return module


def _describe(error: Exception, path: Path) -> str:
    """Type, message and the deepest line inside `path`, or the deepest of all."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} (line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename) == path]
    line = (own or frames)[-1].lineno
    return f"{type(error).__name__}: {error} (line {line})"
