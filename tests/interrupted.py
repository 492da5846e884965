"""Runs that somebody stops with Ctrl-C."""

import signal

import pytest

from rl_teacher.training.checkpointing import Checkpoints
from rl_teacher.training.state import TeachState


def stop_at_saves(monkeypatch: pytest.MonkeyPatch, *stops: bool) -> None:
    """Ctrl-C comes, or does not, before each of the next saves, over all runs; before none of those that follow."""
    save, left = Checkpoints.save, iter(stops)

    def save_and_stop(self: Checkpoints, state: TeachState, *, at_once: bool) -> None:
        if next(left, False):
            signal.raise_signal(signal.SIGINT)
            at_once = True
        save(self, state, at_once=at_once)

    monkeypatch.setattr(Checkpoints, "save", save_and_stop)
