"""Every training of a plan is checked before the first one starts: nothing fails in the middle of the night."""

from rl_teacher.commands.bench.cells import Cell
from rl_teacher.commands.bench.plan import Plan
from rl_teacher.config.flags import parse
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import RlTeacherError
from rl_teacher.training.complete import complete
from rl_teacher.training.parts import build_teacher
from rl_teacher.training.segment_length import steps_of_segment, with_clip_length


def check_trainings(plan: Plan) -> None:
    """Refuse a plan of which any training would be refused.

    Raises:
        RlTeacherError: as `rl-teacher teach` would, with the name of the settings in front.
    """
    cells = {(c.settings, c.task, c.agent, c.labels, c.teacher): c for c in plan.cells()}
    for cell in cells.values():
        _check(cell, plan.known[cell.settings].flags)


def _check(cell: Cell, flags: tuple[str, ...]) -> None:
    try:
        config = parse([*cell.words, *flags, "-n", "cell"])
        spec = find_env(config.env_id)
        config, _ = complete(config, spec)
        config = with_clip_length(config, spec)
        steps_of_segment(config, spec)
        build_teacher(config, spec)
    except RlTeacherError as error:
        raise type(error)(f"settings {cell.settings!r}, {cell.task}: {error}") from error
