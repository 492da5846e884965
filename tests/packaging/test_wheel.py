"""The wheel alone, in an environment and a folder of its own: what a stranger gets from pip."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_THE_PROJECT = ("rl_teacher", "pyproject.toml", "README.md", "LICENSE")


class Installed:
    """rl-teacher from its wheel, far from the clone."""

    def __init__(self, place: Path) -> None:
        source = place / "source"  # a build leaves things beside what it builds
        source.mkdir()
        for name in OF_THE_PROJECT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, source / name)
        self.place, self.bin = place, place / "venv" / "bin"
        venv.create(place / "venv", with_pip=True)
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", place, source], check=True)
        (self.wheel,) = place.glob("*.whl")
        self.home = place / "home"
        self.home.mkdir()

    def install(self, extra: str = "") -> None:
        """The wheel, with what it asks for."""
        what = f"{self.wheel}{extra}"
        subprocess.run([self.bin / "pip", "install", "-q", "-c", ROOT / "constraints.txt", what], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """Without a way back to the clone."""
        return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"HOME": str(self.home)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, to its end."""
        return subprocess.run(
            [self.bin / words[0], *words[1:]], cwd=self.home, env=self.environment, capture_output=True, text=True
        )

    @contextmanager
    def running(self, *words: str) -> Iterator["subprocess.Popen[str]"]:
        """A program of the environment; it is killed after two minutes, or if the block leaves it alive."""
        process = subprocess.Popen(
            [self.bin / words[0], *words[1:]], cwd=self.home, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        alarm = threading.Timer(120, process.kill)
        alarm.start()
        try:
            yield process
        finally:
            alarm.cancel()
            process.kill()
            process.communicate()


def folders(place: Path) -> list[str]:
    return ["--runs-dir", str(place / "runs"), "--tb-dir", str(place / "tb")]


@pytest.mark.slow
def test_the_wheel_trains_without_the_server_and_with_the_extra_people_teach(tmp_path: Path) -> None:
    here = Installed(tmp_path)
    here.install()
    assert here.run("python", "-c", "import django").returncode == 1

    words = ["-p", "synth", "-e", "ShortHopper-v1", "-l", "24", "-t", "20000", "-n", "tiny", *folders(tmp_path)]
    done = here.run("rl-teacher", "teach", *words)
    assert done.returncode == 0, done.stderr
    (summary,) = (tmp_path / "runs").glob("*/summary.json")
    told = json.loads(summary.read_text())
    assert (told["timesteps"], told["labels"]) == (20_000, 24)

    done = here.run("rl-teacher", "doctor")
    assert done.returncode == 0, done.stdout
    assert "pip install 'rl-teacher[people]'" in done.stdout
    assert "Report this line" not in done.stdout

    asked = ["teach", "-p", "human", "-e", "ShortHopper-v1", "-n", "asked", "-L", "4", *folders(tmp_path)]
    for command in (asked, ["serve"], ["fit", "asked"]):
        done = here.run("rl-teacher", *command)
        assert done.returncode == 2, done.stderr
        assert done.stderr.startswith("MissingExtra: "), done.stderr
        assert done.stderr.count("\n") == 1
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [summary.parent.name], "nothing is left behind"

    here.install("[people]")
    with here.running("rl-teacher", *asked) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "/enter" in line:
                break
        else:
            pytest.fail("no link: " + "".join(lines))
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == 130, "".join(lines) + rest
        assert "Traceback" not in rest
