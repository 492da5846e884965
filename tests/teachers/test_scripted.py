import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.core.segment import Segment
from rl_teacher.errors import CheckpointError, ConfigError, TeacherFault, UserCodeFault
from rl_teacher.records import Comparison, Preference
from rl_teacher.teachers.scripted import ScriptedTeacher, load_teacher
from tests.segments import segment_of

EXAMPLES = Path(__file__).parents[2] / "examples"
ASKED = [Comparison("c1", "a", "b", 0)]


def segment(sim_state: np.ndarray) -> Segment:
    """A segment of given simulator rows, whose true rewards count up."""
    num = len(sim_state)
    return segment_of(sim_state, np.arange(num), np.zeros((num, 2), np.float32), np.ones((num, 1)))


def still(num_steps: int = 3) -> Segment:
    return segment(np.zeros((num_steps, 12)))


SEGMENTS = {"a": still(), "b": still()}


def write(folder: Path, body: str) -> str:
    """The spec of a file with the function `judge`."""
    path = folder / "mine.py"
    path.write_text(body)
    return f"{path}:judge"


def judged(spec: str, left: Segment, right: Segment) -> Preference | None:
    teacher = load_teacher(spec, dt=0.02)
    teacher.ask(ASKED, {"a": left, "b": right})
    (label,) = teacher.poll()
    return label.preference


@pytest.mark.parametrize("answered", ["left", "right", "tie", "cant_tell"])
def test_a_script_answers_with_one_of_four_words(tmp_path: Path, answered: str):
    assert judged(write(tmp_path, f"def judge(left, right): return {answered!r}"), still(), still()) == answered


def test_a_script_may_answer_with_a_preference(tmp_path: Path):
    body = "from rl_teacher.records import Preference\ndef judge(left, right): return Preference.TIE"
    assert judged(write(tmp_path, body), still(), still()) is Preference.TIE


def test_a_script_sees_the_arrays_of_left_and_right_and_the_time_step(tmp_path: Path):
    body = """
def judge(left, right):
    assert left.observations.shape == (3, 2) and right.observations.shape == (4, 2)
    assert left.actions.shape == (3, 1) and left.sim_state.shape == (3, 12)
    assert list(right.true_rewards) == [0.0, 1.0, 2.0, 3.0] and left.dt == 0.02
    return "right"
"""
    assert judged(write(tmp_path, body), still(3), still(4)) is Preference.RIGHT


def test_a_script_sees_after_which_step_an_episode_had_ended(tmp_path: Path):
    body = """
def judge(left, right):
    assert left.end == -1 and left.ended.tolist() == [False, False, False]
    assert right.end == 2 and right.ended.tolist() == [False, False, True, True]
    return "left" if left.ended.sum() < right.ended.sum() else "right"
"""
    ended = dataclasses.replace(still(4), end=2)
    assert judged(write(tmp_path, body), still(3), ended) is Preference.LEFT


def test_comparisons_are_judged_in_order(tmp_path: Path):
    body = "seen = []\ndef judge(left, right):\n    seen.append(0)\n    return ['left', 'right', 'tie'][len(seen) - 1]"
    teacher = load_teacher(write(tmp_path, body), dt=0.02)
    teacher.ask([Comparison(name, "a", "b", 0) for name in ("z", "y", "x")], SEGMENTS)
    assert [(label.comparison, label.preference) for label in teacher.poll()] == [
        ("z", Preference.LEFT), ("y", Preference.RIGHT), ("x", Preference.TIE),
    ]  # fmt: skip


@pytest.mark.parametrize("answered", ["True", "None", "1", "0.5", "'Left'", "'cant tell'", "['left']"])
def test_any_other_answer_is_refused(tmp_path: Path, answered: str):
    teacher = load_teacher(write(tmp_path, f"def judge(left, right): return {answered}"), dt=0.02)
    with pytest.raises(TeacherFault) as caught:
        teacher.ask(ASKED, SEGMENTS)
    text = str(caught.value)
    assert str(tmp_path / "mine.py") in text
    assert (
        f"judge(), comparison c1: it returned {answered}, expected one of 'left', 'right', 'tie', 'cant_tell'" in text
    )


def test_an_exception_in_a_script_is_told_with_type_message_and_line(tmp_path: Path):
    body = "def judge(left, right):\n    return helper(left)\n\n\ndef helper(one):\n    raise KeyError('knee')\n"
    teacher = load_teacher(write(tmp_path, body), dt=0.02)
    with pytest.raises(TeacherFault, match=r"mine.py, judge\(\), comparison c1: KeyError: 'knee' \(line 6\)"):
        teacher.ask(ASKED, SEGMENTS)


@pytest.mark.parametrize("error", ["SystemExit(3)", "BaseException('no\\nlicense')"])
def test_nothing_that_a_script_raises_ends_the_program_unsaid(tmp_path: Path, error: str):
    teacher = load_teacher(write(tmp_path, f"def judge(left, right):\n    raise {error}"), dt=0.02)
    with pytest.raises(TeacherFault, match=r"comparison c1: (SystemExit: 3|BaseException: no license) \(line 2\). Fix"):
        teacher.ask(ASKED, SEGMENTS)


def test_ctrl_c_inside_a_script_is_no_fault_of_it(tmp_path: Path):
    teacher = load_teacher(write(tmp_path, "def judge(left, right):\n    raise KeyboardInterrupt"), dt=0.02)
    with pytest.raises(KeyboardInterrupt):
        teacher.ask(ASKED, SEGMENTS)


def test_an_answer_that_cannot_be_written_is_refused_by_its_type(tmp_path: Path):
    body = "class Odd:\n    def __repr__(self): raise self.x\ndef judge(left, right):\n    return Odd()"
    teacher = load_teacher(write(tmp_path, body), dt=0.02)
    with pytest.raises(TeacherFault, match="comparison c1: it returned a Odd, expected one of"):
        teacher.ask(ASKED, SEGMENTS)


def test_an_exception_below_a_script_is_told_with_the_scripts_line(tmp_path: Path):
    body = "import json\ndef judge(left, right):\n    return json.loads('{')\n"
    teacher = load_teacher(write(tmp_path, body), dt=0.02)
    with pytest.raises(TeacherFault, match=r"JSONDecodeError: .* \(line 3\)"):
        teacher.ask(ASKED, SEGMENTS)


def test_a_script_cannot_change_the_segments(tmp_path: Path):
    body = "def judge(left, right):\n    left.sim_state[0, 0] = 1.0\n    return 'left'"
    teacher = load_teacher(write(tmp_path, body), dt=0.02)
    with pytest.raises(TeacherFault, match=r"ValueError: assignment destination is read-only \(line 2\)"):
        teacher.ask(ASKED, SEGMENTS)
    assert SEGMENTS["a"].sim_state.flags.writeable


def test_if_one_comparison_fails_none_is_answered(tmp_path: Path):
    body = "seen = []\ndef judge(left, right):\n    seen.append(0)\n    return ['left', None][len(seen) - 1]"
    teacher = load_teacher(write(tmp_path, body), dt=0.02)
    with pytest.raises(TeacherFault, match="comparison c2: it returned None"):
        teacher.ask([Comparison("c1", "a", "b", 0), Comparison("c2", "a", "b", 0)], SEGMENTS)
    assert list(teacher.poll()) == []


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(UserCodeFault, match=r"there is no file .*nowhere.py"):
        load_teacher(f"{tmp_path}/nowhere.py:judge", dt=0.02)


def test_a_missing_function_is_told_with_a_close_match(tmp_path: Path):
    write(tmp_path, "def judge_it(left, right): return 'left'\njudge_not = 3")
    with pytest.raises(UserCodeFault, match=r"no function 'judge_if'. Did you mean 'judge_it'\?"):
        load_teacher(f"{tmp_path}/mine.py:judge_if", dt=0.02)
    with pytest.raises(UserCodeFault, match="no function 'judge_not'"):
        load_teacher(f"{tmp_path}/mine.py:judge_not", dt=0.02)


@pytest.mark.parametrize("spec", ["mine.py", "mine.py:", ":judge", "mine.py:not a name", ""])
def test_a_spec_of_another_form_is_told(spec: str):
    with pytest.raises(UserCodeFault, match=r"expected path/to/file.py:function"):
        load_teacher(spec, dt=0.02)


def test_a_file_of_another_kind_is_told(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("judge")
    with pytest.raises(UserCodeFault, match=r"mine.txt is no Python file"):
        load_teacher(f"{tmp_path}/mine.txt:judge", dt=0.02)


def test_a_file_that_cannot_be_run_is_told_with_its_line(tmp_path: Path):
    with pytest.raises(UserCodeFault, match=r"cannot be run: SyntaxError: .* \(line 2\)"):
        load_teacher(write(tmp_path, "a = 1\ndef judge(:"), dt=0.02)
    with pytest.raises(UserCodeFault, match=r"cannot be run: ModuleNotFoundError: .*'nonesuch'.* \(line 1\)"):
        load_teacher(write(tmp_path, "import nonesuch"), dt=0.02)


def test_a_script_shadows_no_module_and_may_define_dataclasses(tmp_path: Path):
    before = set(sys.modules)
    path = tmp_path / "json.py"
    path.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Taste:\n    word: str = 'left'\ndef judge(left, right): return Taste().word"
    )
    assert judged(f"{path}:judge", still(), still()) is Preference.LEFT
    assert all(name.startswith("<rl-teacher script ") for name in set(sys.modules) - before)
    assert sys.modules["json"].__file__ != str(path)


def test_a_time_step_of_zero_is_refused():
    with pytest.raises(ConfigError, match="dt: got 0"):
        load_teacher(f"{EXAMPLES}/own_teacher.py:prefer_spinning", dt=0.0)


@pytest.mark.parametrize("pending", ["", "{", "[1]", '[["c", "maybe"]]'])
def test_a_damaged_state_is_refused(pending: str):
    teacher = ScriptedTeacher(lambda left, right: "left", Path("mine.py"), "judge", 0.02)
    with pytest.raises(CheckpointError, match="expected a JSON list"):
        teacher.restore({"pending": pending})


def spinning(shoulder_velocity: float) -> Segment:
    sim_state = np.zeros((3, 8))
    sim_state[:, 4] = shoulder_velocity
    return segment(sim_state)


def test_the_spinning_example_prefers_counter_clockwise():
    spec = f"{EXAMPLES}/own_teacher.py:prefer_spinning"
    assert judged(spec, spinning(1.0), spinning(-2.0)) is Preference.LEFT
    assert judged(spec, spinning(1.0), spinning(2.0)) is Preference.RIGHT
    assert judged(spec, spinning(1.0), spinning(1.0)) is Preference.TIE


def turning(last_pitch: float, height: float) -> Segment:
    sim_state = np.zeros((3, 12))
    sim_state[:, 1] = height
    sim_state[:, 2] = np.linspace(0.0, last_pitch, 3)
    return segment(sim_state)


def test_the_backflip_example_prefers_backward_turns_then_height():
    spec = f"{EXAMPLES}/backflip.py:prefer_backflip"
    # The pitch decreases in a backward turn.
    assert judged(spec, turning(-1.0, 1.0), turning(0.5, 2.0)) is Preference.LEFT
    assert judged(spec, turning(-1.0, 2.0), turning(-1.5, 1.0)) is Preference.RIGHT
    # Turns 0.01 rad apart look the same: the higher one.
    assert judged(spec, turning(-1.0, 1.2), turning(-1.01, 1.0)) is Preference.LEFT
    assert judged(spec, turning(-1.0, 1.0), turning(-1.0, 1.0)) is Preference.TIE


@pytest.mark.parametrize("name", ["own_teacher.py", "backflip.py"])
def test_examples_fit_on_a_screen(name: str):
    assert len((EXAMPLES / name).read_text().splitlines()) <= 40
