"""Lets a friend, or the teacher's own phone, in: a link that needs no account, and its QR code for a terminal."""

import logging
import sys
from collections.abc import Callable

import segno

from rl_teacher.errors import RlTeacherError
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer

logger = logging.getLogger(__name__)

BORDER = 2
"""White modules around a code, without which readers do not find it; half of what the standard wants is enough."""
_INK, _PAPER = ("\x1b[30m", "\x1b[40m"), ("\x1b[97m", "\x1b[107m")
"""Black and white as the color of a character, and as that of its background."""
_PLAIN = "\x1b[0m"


def invite(client: FeedbackClient, server: EmbeddedServer, log: Callable[[str], None]) -> None:
    """Print a link by which others answer, if others reach the server at all; never stops a run.

    Args:
        client: of the experiment, which exists.
        server: of this machine.
        log: gets lines for people.
    """
    try:
        found = client.invite()
    except RlTeacherError as error:
        logger.error("No link for others could be made: %s", error)
        return
    if found is None:
        why = (
            "this machine has no address in a network"
            if server.process is not None
            else f"the server that was running already, at {server.url}, listens to this machine alone: stop it first"
        )
        log(f"No link for others: {why}.")
        return
    log(f"Friends and phones answer here, without an account ({found.uses} people, {found.days} days): {found.url}")
    if sys.stdout.isatty():
        for line in qr_lines(found.url):
            log(line)


def qr_lines(text: str) -> list[str]:
    """A QR code, black on white whatever the terminal's colors are; two rows of modules in a line."""
    rows = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=BORDER)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    return [
        "".join(_two(top, bottom) for top, bottom in zip(*pair, strict=True)) + _PLAIN
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]


def _two(top: int, bottom: int) -> str:
    """Two modules, one above the other, as one character; 1 is black."""
    return f"{(_PAPER, _INK)[top][0]}{(_PAPER, _INK)[bottom][1]}▀"
