"""What a run can say of its own future, for people who wait."""

import math

from rl_teacher.people.client.messages import Outlook
from rl_teacher.preferences.schedules import Schedule


def look_ahead(
    schedule: Schedule, num_asked: int, *, steps: int, num_steps: int, seconds: float, steps_per_second: float,
    turn_steps: int,
) -> Outlook:  # fmt: skip
    """What comes when, if training goes on as fast as it did.

    Args:
        schedule: when comparisons are asked.
        num_asked: comparisons of the budget that are used up.
        steps: environment steps by now.
        num_steps: of the whole run.
        seconds: of training by now [s].
        steps_per_second: so far.
        turn_steps: environment steps of a turn of the loop; nothing is asked between two turns.
    """
    if not (math.isfinite(steps_per_second) and steps_per_second > 0) or steps >= num_steps:
        return Outlook()

    def is_asked_by(turn: int) -> bool:
        at = min(steps + turn * turn_steps, num_steps)
        return schedule.wanted(at, seconds + (at - steps) / steps_per_second) > num_asked

    last = (num_steps - 1 - steps) // turn_steps  # what the very last turn asks comes too late to be answered
    low, high = 0, last
    while low < high:  # the first turn that asks: schedules never fall
        middle = (low + high) // 2
        low, high = (low, middle) if is_asked_by(middle) else (middle + 1, high)
    left_s = (num_steps - steps) / steps_per_second
    if last < 1 or not is_asked_by(high):
        return Outlook(None, left_s)
    return Outlook(max(1, high) * turn_steps / steps_per_second, left_s)
