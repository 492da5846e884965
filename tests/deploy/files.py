"""What stands in deploy/, read, and a server that it started."""

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """Of the Containerfile: name and the rest of its line."""
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    kept = [line for line in lines if line and not line.startswith("#")]
    assert not any(line.endswith("\\") for line in kept), "each instruction is one line"
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in kept)]


def instruction(name: str) -> str:
    """The one of this name."""
    (found,) = [rest for one, rest in instructions() if one == name]
    return found


def words(name: str) -> list[str]:
    """The command of ENTRYPOINT, CMD or HEALTHCHECK, which are lists, so that no shell stands between."""
    return [str(word) for word in json.loads(re.sub(r"^.*?\[", "[", instruction(name)))]


def services() -> dict[str, dict[str, Any]]:
    """Of compose.yaml."""
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"])


def filled(text: str, **env: str) -> str:
    """`text` with its ${NAME} and ${NAME:?what is missing} filled in, each of which must be given."""
    return re.sub(r"\$\{(\w+)(?::\?[^}]*)?\}", lambda found: env[found[1]], text)


def variables(text: str) -> set[str]:
    """Names that `text` wants to have filled in."""
    return set(re.findall(r"\$\{(\w+)", text))


def example_variables() -> set[str]:
    """Names that env.example gives, also those that are switched off."""
    return set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))


def unit() -> dict[str, list[str]]:
    """The settings of rl-teacher.service."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "rl-teacher.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def exec_start() -> list[str]:
    """The command of the unit."""
    (line,) = unit()["ExecStart"]
    return shlex.split(line)


@dataclass(frozen=True)
class Server:
    """That it runs, for browsers at https://localhost:`outside`."""

    folder: Path
    inside: int
    outside: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.outside}"

    def run(self, *words: str) -> str:
        """What a command of rl-teacher prints beside it."""
        command = [sys.executable, "-m", "rl_teacher.server", *words, "--data-dir", str(self.folder / "data")]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
