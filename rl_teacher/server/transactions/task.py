"""The task in one sentence: the trainer says it, or the owner is asked for it before the first pair."""

from rl_teacher.server.guideline_text import plain_text
from rl_teacher.server.models import Experiment, User
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions.access import audit
from rl_teacher.server.transactions.write import write

MAX_TASK = 140
"""Characters: more does not fit above the clips."""


def first_line(markdown: str) -> str:
    """The first line of a guide as a task, without the signs of a heading.

    >>> first_line("# Hop far\\n\\n- Lying is bad.")
    'Hop far'
    """
    line = next(iter(markdown.splitlines()), "").replace("#", "").strip()
    return line if len(line) <= MAX_TASK else f"{line[: MAX_TASK - 1]}…"


def set_task(experiment: Experiment, task: str, by: User) -> str:
    """The owner's sentence: it stands above the clips from now on. An empty one: there is none, nobody waits for it.

    Returns:
        The sentence as it was kept: one line.

    Raises:
        Problem: it is too long.
    """
    sentence = " ".join(plain_text(task).replace("\x00", "").split())
    if len(sentence) > MAX_TASK:
        raise Problem("invalid", f"task: got {len(sentence)} characters, expected at most {MAX_TASK}.")
    with write():
        Experiment.objects.filter(pk=experiment.pk).update(task=sentence, asks_task=False)
        audit(by, "task", experiment, task=sentence)
        notify_on_commit(experiment.slug)
    return sentence


def told_again(experiment: Experiment, task: str) -> None:
    """A trainer that goes on says what the task is, within a transaction that runs already.

    What it has said before is no news: the owner may have found better words since.
    """
    if not task or task == experiment.task_told:
        return
    Experiment.objects.filter(pk=experiment.pk).update(task=task, task_told=task, asks_task=False)
    audit(None, "task", experiment, task=task)
    notify_on_commit(experiment.slug)
