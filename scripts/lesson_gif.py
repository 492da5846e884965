"""`make lesson-gif`: films a lesson of an act of the circus, taught by clicks in a real Chromium, for the README.

The act's judge says which clip is better, and a scripted hand presses the key. Everything else is what a person gets:
the labeling page at the left, and at the right what the agent does at that time.
"""

import argparse
import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import TimeoutError as NothingCame
from playwright.sync_api import ViewportSize, sync_playwright

from benchmarks.clicking import CHROMIUM, FLAGS, OPEN, ClickingLabeler
from benchmarks.lesson_process import LABEL_PAGE, LOGIN, LessonProcess
from rl_teacher.commands.circus.acts import NamedAct, find_acts, load_act
from rl_teacher.people.client.api import FeedbackClient
from scripts.lesson_picture import Scene, Shot, read_clip, write_film

LOOK_MS = 1900
"""Between two answers, so that both clips are seen to their end [ms]."""
ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "lesson.gif"
WINDOW = ViewportSize(width=960, height=720)
PAIR_S, LAST_S = 0.8, 1.5
"""How long a pair is filmed before it is answered, and the ending [s]."""
PAIRS = 3
"""Filmed in a scene."""


class Filming:
    """A hand that answers, and a camera."""

    def __init__(self, lesson: LessonProcess, labeler: ClickingLabeler, client: FeedbackClient) -> None:
        self.lesson, self.labeler, self.client = lesson, labeler, client
        self.scenes: list[Scene] = []

    @property
    def is_over(self) -> bool:
        """Whether the page shows how the lesson ended."""
        return self.labeler.page.is_visible("#ending")

    def teach(self, num_answers: int) -> None:
        """Answer until so many answers are given, or the lesson is over."""
        while self.labeler.num_answers < num_answers and not self.is_over:
            self.labeler.page.wait_for_timeout(LOOK_MS)
            try:
                self.labeler.answer(10.0)
            except NothingCame:
                continue

    def film(self, says: str, mp4: bytes | None = None) -> None:
        """A scene of answers, with the agent as it is now: its newest video, or the one that is given."""
        shots: list[Shot] = []
        for _ in range(PAIRS):
            self.labeler.page.wait_for_selector(OPEN, timeout=120_000)
            shots += self.look(PAIR_S)
            self.labeler.answer()
        pictures, fps = read_clip(mp4 or self.newest_video())
        self.scenes.append(Scene(shots, pictures, fps, says))

    def look(self, seconds: float) -> list[Shot]:
        """Shots of the page, as many as there is time for."""
        shots: list[Shot] = []
        end = self.lesson.seconds + seconds
        while not shots or self.lesson.seconds < end:
            at = self.lesson.seconds
            page = Image.open(io.BytesIO(self.labeler.page.screenshot()))
            shots.append(Shot(at, page, self.labeler.num_answers))
        return shots

    def first_clip(self) -> bytes:
        """What the agent did before anybody answered."""
        (_, clip) = min(self.client.clips(), key=lambda named: named[1].step)
        return self.client.get_blob(clip.mp4)

    def newest_video(self) -> bytes:
        """What the agent did lately, as the page shows it to whoever waits."""
        told = self.labeler.page.request.get(
            f"{self.client.url}/api/v1/experiments/{self.client.experiment}/lesson:state"
        )
        now = told.json()["now"]
        return self.labeler.page.request.get(f"{self.client.url}{now['mp4']}").body() if now else self.first_clip()


def film_lesson(act: NamedAct, flags: list[str], num_labels: int, home: Path) -> tuple[list[Scene], str]:
    """Teach the act, and film it at the beginning, in the middle and at the end; and what its measure says."""
    command = [
        sys.executable,
        "-m",
        "rl_teacher",
        "circus",
        str(act.path),
        "-p",
        "human",
        "-l",
        str(num_labels),
        *flags,
    ]
    with LessonProcess(command, home, ROOT) as lesson, sync_playwright() as playwright:
        _, login = lesson.wait_for(LOGIN)
        _, where = lesson.wait_for(LABEL_PAGE)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with FeedbackClient(where[1], lesson.token, where[2]) as client:
            labeler = ClickingLabeler(browser, login[0], client, act.act.prefer)
            labeler.page.set_viewport_size(WINDOW)
            filming = Filming(lesson, labeler, client)
            labeler.page.wait_for_selector(OPEN, timeout=300_000)
            filming.film("It acts at random.", filming.first_clip())
            filming.teach(num_labels // 2)
            filming.film("It learns.")
            filming.teach(num_labels)
            labeler.page.wait_for_selector("#ending:not([hidden])", timeout=1_800_000)
            shots = filming.look(LAST_S)
            _, film = lesson.wait_for(r"^Film: (.+)$", 300)
            _, reached = lesson.wait_for(rf"^{act.name}: (\S+ ± \S+ .+?), from")
            pictures, fps = read_clip(Path(film[1]).read_bytes())
            filming.scenes.append(Scene(shots, pictures, fps, "It has learned."))
        browser.close()
    return filming.scenes, reached[1]


def main() -> int:
    """Write docs/images/lesson.gif."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--act", default="hind_legs")
    parser.add_argument("--labels", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=PICTURE)
    parser.add_argument("flags", nargs="*", help="of rl-teacher teach, after --")
    given = parser.parse_args()
    act = load_act(given.act, find_acts())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    flags = ["-L", str(2 * given.labels // 5), "-s", str(given.seed), "--video_seconds", "10", *given.flags]
    with tempfile.TemporaryDirectory() as home:
        scenes, reached = film_lesson(act, flags, given.labels, Path(home))
    facts = {
        "act": act.name, "labels": given.labels, "seed": given.seed, "commit": commit.stdout.strip(), "reached": reached
    }  # fmt: skip
    write_film(given.out, scenes, given.labels, facts)
    print(f"{given.out}: {given.out.stat().st_size / 1000:.0f} kB, {facts}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
