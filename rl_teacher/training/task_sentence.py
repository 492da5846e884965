"""The task in one sentence, as people read it above the clips: the user's, or ours for the nine tasks."""

import dataclasses

from rl_teacher.config.run import MAX_TASK, RunConfig
from rl_teacher.config.user_code import is_user_code
from rl_teacher.envs.catalog import find_task
from rl_teacher.envs.spec import EnvSpec


def with_task(config: RunConfig, spec: EnvSpec) -> tuple[RunConfig, list[str]]:
    """The configuration with the task that people are told, if people teach; and what to tell the user.

    A run that goes on says nothing unless its user does: the owner may have found better words on the page.
    """
    if config.predictor != "human" or config.resume:
        return config, []
    task = config.task or _first_line(config.human.guideline) or (
        find_task(spec.canonical_id).sentence if spec.is_task else ""
    )  # fmt: skip
    if not task:
        return config, ['The labeling page asks you what the agent should learn; --task "..." says it here.']
    notes = [] if config.task else [f"People are told: {task!r}. Use --task for another sentence."]
    return dataclasses.replace(config, task=task), notes


def is_own_task(config: RunConfig, spec: EnvSpec) -> bool:
    """Whether something else is taught than what the true reward wants, as far as one can see.

    It is where a teacher of the user's answers, and where people are told another task of one of our robots.
    """
    if config.predictor == "synth" and is_user_code(config.teacher):
        return True
    return spec.is_task and bool(config.task) and config.task != find_task(spec.canonical_id).sentence


def _first_line(guideline: str) -> str:
    """Of Markdown, without the signs of a heading: it was the task before there was --task."""
    line = " ".join(next(iter(guideline.splitlines()), "").replace("#", "").split())
    return line if len(line) <= MAX_TASK else f"{line[: MAX_TASK - 1]}…"
