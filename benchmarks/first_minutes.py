"""How long a stranger waits: from `git clone` and from `make teach` to the first pair, and on to the ending.

    python -m benchmarks.first_minutes            # the command alone, where everything is installed
    python -m benchmarks.first_minutes --clone    # with git clone and make setup before it, nothing cached

A scripted labeler answers in a real Chromium, one pair every two seconds, by the true return. Flags after `--` go to
the lesson, such as `-- -t 600000`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as NothingCame

from benchmarks.clicking import CHROMIUM, FLAGS, ClickingLabeler
from benchmarks.lesson_process import LABEL_PAGE, LOGIN, LessonProcess
from rl_teacher.people.client.api import FeedbackClient

ROOT = Path(__file__).parents[1]
BEGINS = "Starting joint training"
PAIR_S, WAIT_S = 5.0, 2.0
"""How long one look for a pair takes, before it is looked whether the lesson is over; and from answer to answer [s]."""


@dataclass(slots=True)
class Minutes:
    """When what was there [s since the command]."""

    installed: float | None = None
    """`git clone` and `make setup` before it took so long [s]; None: not measured."""
    marks: dict[str, float] = field(default_factory=dict)
    num_answers: int = 0

    def lines(self) -> list[str]:
        """One for each figure."""
        found = [] if self.installed is None else [f"{self.installed:7.0f} s  git clone and make setup"]
        found += [f"{seconds:7.0f} s  from the command to {what}" for what, seconds in self.marks.items()]
        if self.installed is not None and "the first pair" in self.marks:
            found.append(f"{self.installed + self.marks['the first pair']:7.0f} s  from git clone to the first pair")
        return [*found, f"{self.num_answers:7d}    answers, one every {WAIT_S:g} s at most"]


def install(folder: Path) -> tuple[Path, float]:
    """A clone in `folder` with its packages: where its Python is, and how long that took [s]."""
    started = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        ["make", "--silent", "-C", str(folder), "setup"], check=True, env={**environment, "PIP_NO_CACHE_DIR": "1"}
    )
    return folder / ".venv" / "bin" / "python", time.monotonic() - started


def measure(lesson: LessonProcess, minutes: Minutes) -> None:
    """Answer until the page shows how the lesson ended, and note when what was there."""
    _, link = lesson.wait_for(LOGIN)
    _, where = lesson.wait_for(LABEL_PAGE)
    minutes.marks["the link"] = lesson.seconds
    with sync_playwright() as playwright, FeedbackClient(where[1], lesson.token, where[2]) as client:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        labeler = ClickingLabeler(browser, link[0], client)
        labeler.page.wait_for_selector("#labeler[data-phase=open]", timeout=300_000)
        minutes.marks["the first pair"] = lesson.seconds
        while not is_ended(labeler.page):
            due = lesson.seconds + WAIT_S
            try:
                labeler.answer(PAIR_S)
            except NothingCame:
                continue  # it learns, or it is over
            labeler.page.wait_for_timeout(max(0.0, due - lesson.seconds) * 1000)
        minutes.marks["the ending"] = lesson.seconds
        minutes.num_answers = labeler.num_answers
        browser.close()
    minutes.marks["the beginning of learning"] = lesson.wait_for(BEGINS)[0]
    minutes.marks = dict(sorted(minutes.marks.items(), key=lambda mark: mark[1]))


def is_ended(page: Page) -> bool:
    """Whether the page shows how the lesson ended."""
    return page.is_visible("#ending")


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clone", action="store_true", help="measure git clone and make setup too")
    parser.add_argument("flags", nargs="*", help="of the lesson, after --")
    given = parser.parse_args()
    minutes = Minutes()
    with tempfile.TemporaryDirectory() as name:
        folder, python = ROOT, Path(sys.executable)
        if given.clone:
            folder = Path(name) / "rl-teacher"
            python, minutes.installed = install(folder)
        command = [str(python), "scripts/first_lesson.py", *given.flags]
        with LessonProcess(command, Path(name) / "home", folder) as lesson:
            measure(lesson, minutes)
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print("\n".join([*minutes.lines(), f"Processors: {os.cpu_count()}; load of the last 1, 5, 15 minutes: {load}"]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
