"""The mark of an ended episode: its last picture stands still, gray and dark, under the words ENDED HERE.

The words say it also to those who see no colors; the letters are our own, so that drawing them needs no font.
"""

import numpy as np
from numpy.typing import NDArray

DARKENING = 0.55
"""Brightness of what stands still, as a share of what it was."""
BEHIND_WORDS = 0.4
"""The same once more behind the words, which stay white: what ended up there can still be seen."""
LAYOUTS = (("ENDED HERE",), ("ENDED", "HERE"), ("END",))
"""Lines of the banner. The largest letters win; the last one is for pictures that hold none of the others."""
BANNER_SHARE = 5
"""The banner takes a fifth of the picture's height, unless the smallest letters need more."""

_LETTERS = {
    "E": ("#####", "#....", "#....", "####.", "#....", "#....", "#####"),
    "N": ("#...#", "##..#", "#.#.#", "#.#.#", "#..##", "#...#", "#...#"),
    "D": ("####.", "#...#", "#...#", "#...#", "#...#", "#...#", "####."),
    "H": ("#...#", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
    "R": ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"),
    " ": (".....",) * 7,
}
_MARGIN = 2
"""Around the words [dots]."""
_LUMA = np.array([0.299, 0.587, 0.114])
"""What red, green and blue add to brightness. Source: ITU-R BT.601."""


def with_end(
    frames: NDArray[np.uint8], final: NDArray[np.uint8], num_still: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The pictures of a clip whose episode ends in it.

    Args:
        frames: before each step, RGB of shape (frames, height, width, 3); they stay as they are.
        final: the picture after the last step, of the same size.
        num_still: how often the marked final picture follows; 0 if the episode ends with the clip.

    Returns:
        All pictures, and the marked final one.
    """
    marked = mark_ended(final)
    return np.concatenate([frames, np.repeat(marked[None], num_still, axis=0)]), marked


def mark_ended(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of a picture, RGB of shape (height, width, 3), without colors, darker, and with a banner at its top.

    A picture too small for any letter is crossed out instead.
    """
    gray = picture @ _LUMA * DARKENING
    marked = np.repeat(np.rint(gray).astype(np.uint8)[..., None], 3, axis=2)
    height, width = marked.shape[:2]
    banner = _banner(height, width)
    if banner is None:
        _cross_out(marked)
        return marked
    marked[: len(banner)] = marked[: len(banner)] * BEHIND_WORDS
    left = (width - banner.shape[1]) // 2
    marked[: len(banner), left : left + banner.shape[1]][banner] = 255
    marked[len(banner) : len(banner) + max(1, height // 160)] = 255  # its edge, where the picture is black too
    return marked


def _banner(height: int, width: int) -> NDArray[np.bool_] | None:
    """The dots of the largest words that fit, with their margin; None if none do."""
    scaled = [(_scale(dots := _dots(lines), height, width), dots) for lines in LAYOUTS]
    fitting = [pair for pair in scaled[:-1] if pair[0] > 0] or [pair for pair in scaled[-1:] if pair[0] > 0]
    if not fitting:
        return None
    scale, dots = max(fitting, key=lambda pair: pair[0])  # the first of equals
    return dots.repeat(scale, axis=0).repeat(scale, axis=1)


def _scale(dots: NDArray[np.bool_], height: int, width: int) -> int:
    """Pixels of one dot; 0: the words take more than half of the picture's height, or are too wide."""
    rows, columns = dots.shape
    scale = min(width // columns, max(1, height // BANNER_SHARE // rows))
    return scale if 2 * rows * scale <= height else 0


def _dots(lines: tuple[str, ...]) -> NDArray[np.bool_]:
    """Lines of text, centered, one dot from letter to letter and two from line to line."""
    drawn = [_line(line) for line in lines]
    columns = max(line.shape[1] for line in drawn)
    centered = [np.pad(line, ((1, 1), ((gap := columns - line.shape[1]) // 2, gap - gap // 2))) for line in drawn]
    return np.pad(np.concatenate(centered), ((_MARGIN - 1, _MARGIN - 1), (_MARGIN, _MARGIN)))


def _line(text: str) -> NDArray[np.bool_]:
    letters = [np.array([[dot == "#" for dot in row] for row in _LETTERS[letter]]) for letter in text]
    return np.concatenate([np.pad(letter, ((0, 0), (0, 1))) for letter in letters], axis=1)[:, :-1]


def _cross_out(picture: NDArray[np.uint8]) -> None:
    """Both diagonals, in white."""
    height, width = picture.shape[:2]
    steps = np.arange(max(height, width))
    rows, columns = steps * height // len(steps), steps * width // len(steps)
    picture[rows, columns] = picture[rows, width - 1 - columns] = 255
