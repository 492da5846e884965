"""Prints what the server needs to run, for pip: the extras `people` and `postgres` alone, without what trains."""

import tomllib
from pathlib import Path


def server_packages(pyproject: str) -> list[str]:
    """Requirements out of the text of pyproject.toml."""
    extras = tomllib.loads(pyproject)["project"]["optional-dependencies"]
    return [one for one in extras["people"] + extras["postgres"] if not one.startswith("rl-teacher[")]


if __name__ == "__main__":
    print("\n".join(server_packages(Path("pyproject.toml").read_text())))
