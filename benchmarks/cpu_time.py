"""Processor time of processes with all that they started, by the kernel's own account (Linux)."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")


def of_tree(pid: int) -> float:
    """User and system time of a process and its children, those that have ended and were waited for included [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own = sum(int(field) for field in fields[11:15]) / TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_if_there(int(child)) for child in children)


def _if_there(pid: int) -> float:
    """One that ends right now is counted by its parent the next time."""
    try:
        return of_tree(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def postgres_process(database_url: str) -> int | None:
    """The first process of a PostgreSQL; None where it runs on another machine."""
    with psycopg.connect(database_url) as own:
        backend = own.info.backend_pid
        try:
            status = Path(f"/proc/{backend}/stat").read_text()
        except FileNotFoundError:
            return None
        name, rest = status.rsplit(")", 1)
        return int(rest.split()[1]) if "postgres" in name else None


class Account:
    """Processor time of several programs from now on.

    Args:
        programs: name -> its first process; our own children are counted under their own names alone.
    """

    def __init__(self, programs: Mapping[str, int | None]) -> None:
        self._programs = {name: pid for name, pid in programs.items() if pid is not None}
        self._before = self._now()
        self._own_before = _own()

    def _now(self) -> dict[str, float]:
        return {name: of_tree(pid) for name, pid in self._programs.items()}

    def used(self) -> dict[str, float]:
        """Seconds by name; this process, without its children, is `load generator`."""
        now = self._now()
        return {"load generator": _own() - self._own_before} | {name: now[name] - self._before[name] for name in now}


def _own() -> float:
    times = os.times()
    return times.user + times.system


def table(used: Mapping[str, float], answers: int, wall_s: float) -> Iterable[str]:
    """Lines that say who used how much."""
    for name, seconds in [*used.items(), ("together", sum(used.values()))]:
        each_ms = 1000 * seconds / max(1, answers)
        yield f"  {name:<15} {seconds:7.1f} s of CPU  {each_ms:6.2f} ms an answer  {seconds / wall_s:5.2f} cores"
