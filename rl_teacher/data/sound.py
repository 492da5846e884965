"""What must hold of rows of comparisons, whether they are about to be written or were read."""

import numpy as np

from rl_teacher.data.about import DataAbout
from rl_teacher.data.rows import NO_END, AnyArray, Rows, Side
from rl_teacher.errors import DataDamaged
from rl_teacher.rewards.portable_actions import DiscreteSpace


def require_sound(about: DataAbout, rows: Rows, where: str) -> None:
    """Refuse rows that are no comparisons of this environment, in a line that says which and where.

    Raises:
        DataDamaged: an array has the wrong shape, a number is none, a choice is unknown, or a side is missing.
    """
    if len(set(rows.id)) < len(rows):
        twice = next(one for one in rows.id if list(rows.id).count(one) > 1)
        raise DataDamaged(f"{where}: comparison {twice} is there twice. Keep one of them.")
    for name, side in (("left", rows.left), ("right", rows.right)):
        _require_lengths(about, rows, name, side, where)
        _require_numbers(about, rows, name, side, where)
    for one, left, right in zip(rows.id, rows.left.id, rows.right.id, strict=True):
        if not one or not left or not right or left == right:
            raise DataDamaged(f"{where}, comparison {one!r}: its sides are {left!r} and {right!r}, expected two.")


def _require_lengths(about: DataAbout, rows: Rows, name: str, side: Side, where: str) -> None:
    num, steps = len(rows), int(side.lengths.sum())
    per_row = (side.id, side.lengths, side.env_index, side.episode, side.start, side.iteration, side.end)
    if any(len(one) != num for one in per_row):
        raise DataDamaged(f"{where}: {num} comparisons, {name}: {[len(one) for one in per_row]}, expected as many.")
    wrong = (side.lengths < about.shortest) | (side.lengths > about.longest)
    if wrong.any():
        row = int(np.argmax(wrong))
        expected = f"{about.shortest}" if about.is_even else f"{about.shortest} to {about.longest}"
        raise DataDamaged(
            f"{where}, comparison {rows.id[row]}: its {name} segment has {side.lengths[row]} steps, "
            f"expected {expected}."
        )
    expected_shapes = {"obs": (steps, about.num_obs), "action": (steps, *about.action_shape)}
    found: dict[str, AnyArray | None] = {"obs": side.obs, "action": side.action}
    if about.has_next_obs:
        expected_shapes["next_obs"], found["next_obs"] = (steps, about.num_obs), side.next_obs
    if about.has_true_reward:
        expected_shapes["true_reward"], found["true_reward"] = (steps,), side.true_reward
    for key, shape in expected_shapes.items():
        array = found[key]
        if array is None or array.shape != shape:
            got = None if array is None else array.shape
            raise DataDamaged(f"{where}: {name}_{key} has the shape {got}, expected {shape}: one row for each step.")
    ends = (side.end != NO_END) & ((side.end < 1) | (side.end > side.lengths))
    if ends.any():
        row = int(np.argmax(ends))
        raise DataDamaged(
            f"{where}, comparison {rows.id[row]}: its {name} segment of {side.lengths[row]} steps ends after "
            f"{side.end[row]}."
        )


def _require_numbers(about: DataAbout, rows: Rows, name: str, side: Side, where: str) -> None:
    """Whether all that is learned from is finite, and each choice one that there is."""
    arrays = {"obs": side.obs, "action": side.action} | ({"next_obs": side.next_obs} if about.has_next_obs else {})
    for key, array in arrays.items():
        assert array is not None, "checked before"
        finite = np.isfinite(array)
        if finite.all():
            continue
        step, *number = (int(i) for i in np.argwhere(~finite)[0])
        raise DataDamaged(
            f"{where}, {_place(rows, name, side, step)}: {name}_{key}{number or ''} is "
            f"{float(array[(step, *number)])}, expected a number. Leave this comparison out."
        )
    space = about.action
    if isinstance(space, DiscreteSpace) and len(side.action):
        wrong = (side.action < space.start) | (side.action >= space.start + space.n)
        if wrong.any():
            step = int(np.argmax(wrong))
            raise DataDamaged(
                f"{where}, {_place(rows, name, side, step)}: {name}_action is {side.action[step]}, "
                f"expected {space.start} to {space.start + space.n - 1}."
            )


def _place(rows: Rows, name: str, side: Side, step: int) -> str:
    """Which comparison a step belongs to, and the how manieth of its segment it is."""
    bounds = side.bounds()
    row = int(np.searchsorted(bounds, step, side="right")) - 1
    return f"comparison {rows.id[row]}, step {step - int(bounds[row])} of its {name} segment"
