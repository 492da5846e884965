"""How large clips are: as clear as the machine can draw them beside a training that keeps its speed.

On two processors clips of 320 pixels take 6 % of the machine (0.18 s of one processor each, two for an answer every
3 s), and a training keeps 0.88 of its speed. Clips of 480 take twice that: 6 % of a machine with four.
docs/benchmarks.md, People.
"""

import os

LARGE_PX, SMALL_PX = 480, 320
"""Width and height of a clip [pixels]."""
ENOUGH_PROCESSORS = 4
"""With so many, large clips take no larger share of the machine than small ones of two."""


def clip_px(num_processors: int | None = None) -> int:
    """Width and height of clips [pixels] on a machine with so many processors; None: those this process may use.

    >>> clip_px(2), clip_px(4)
    (320, 480)
    """
    if num_processors is None:
        num_processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return LARGE_PX if num_processors >= ENOUGH_PROCESSORS else SMALL_PX
