"""A command that is watched, and the figures of the first minutes."""

import sys

import pytest

from benchmarks.first_minutes import Minutes
from benchmarks.lesson_process import LABEL_PAGE, LOGIN, LessonProcess

LINK = "Sign in (once, within 10 minutes): http://127.0.0.1:8000/enter?next=/e/my-lesson-1/label#Ab-_1"
WAITS = f"import os, time; print(os.environ['HOME']); print({LINK!r}); time.sleep(600)"
FAILS = "print('one'); raise SystemExit('no server')"


def test_lines_are_found_with_their_time_and_the_home_is_its_own(tmp_path) -> None:
    with LessonProcess([sys.executable, "-c", WAITS], tmp_path / "home", tmp_path) as lesson:
        when, link = lesson.wait_for(LOGIN)
        assert link[0] == LINK.split(": ")[1]
        _, where = lesson.wait_for(LABEL_PAGE)
        assert (where[1], where[2]) == ("http://127.0.0.1:8000", "my-lesson-1")
        assert lesson.lines[0][1] == str(tmp_path / "home")
        assert 0 <= when <= lesson.seconds
        assert not lesson.is_over
        with pytest.raises(TimeoutError, match="Sign in"):
            lesson.wait_for("never said", 0.1)
    assert lesson.is_over


def test_a_command_that_ends_early_is_told_with_its_last_lines(tmp_path) -> None:
    with (
        LessonProcess([sys.executable, "-c", FAILS], tmp_path / "home", tmp_path) as lesson,
        pytest.raises(TimeoutError, match="no server"),
    ):
        lesson.wait_for(LOGIN, 600)


def test_figures_are_told_from_the_command_and_from_the_clone() -> None:
    marks = {"the link": 8.4, "the first pair": 15.0, "the ending": 400.0}
    minutes = Minutes(100.0, marks, 150)
    assert [line.split(None, 1)[0] for line in minutes.lines()] == ["100", "8", "15", "400", "115", "150"]
    assert "clone" not in "".join(Minutes(None, marks, 150).lines())
