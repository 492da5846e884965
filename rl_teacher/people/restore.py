"""A run that is resumed where its folder is not: the server has all that was answered."""

from collections.abc import Callable
from pathlib import Path

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.download import download
from rl_teacher.storage.label_log import LabelLog


def restore(client: FeedbackClient, folder: Path, log: Callable[[str], None]) -> None:
    """Fetch what was asked and answered into the label log of a run folder that has none.

    What was only asked is taken back first: nobody here knows these pairs, and their answers would teach nothing.

    Raises:
        ServerFault: the server cannot be reached, or what it sent makes no sense.
    """
    if left_open := client.open_comparisons():
        client.cancel(left_open)
        log(f"Took back {len(left_open)} comparisons that nobody had answered.")
    found = download(client, log)
    if found is not None:
        label_log = LabelLog(folder)
        label_log.write_comparisons(0, found.comparisons, found.left, found.right)
        label_log.write_labels(found.labels)
        log(f"Fetched {len(found.comparisons)} answered comparisons from {client.url}.")
