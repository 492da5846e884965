"""An experiment on a feedback server as a source: its arrays are fetched once, into a folder."""

import contextlib
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rl_teacher.commands.data.facts import actions_of, facts_of
from rl_teacher.commands.data.settings import reward_settings
from rl_teacher.data.experiment_source import ClipFacts, Event, Experiment, experiment_source
from rl_teacher.data.rows import Answer, Source
from rl_teacher.errors import ServerFault
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import default_data_dir, start_or_attach
from rl_teacher.people.client.messages import ClipSpec
from rl_teacher.people.connection import remote_client
from rl_teacher.records import SegmentId
from rl_teacher.storage.names import experiment_name


@contextlib.contextmanager
def experiment_on_server(name: str, given: Namespace) -> Iterator[Source]:
    """The comparisons of an experiment, on the server that the flags name or on this machine's own.

    Raises:
        ServerFault: the server cannot be reached, or knows no such experiment.
    """
    with contextlib.ExitStack() as stack:
        if given.server:
            client = stack.enter_context(remote_client(given.server, given.token, experiment_name(name)))
        else:
            folder = given.data_dir or default_data_dir()
            server = stack.enter_context(start_or_attach(folder, log=lambda line: None))
            client = stack.enter_context(FeedbackClient(server.url, server.token, experiment_name(name)))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="rl-teacher-"))
        yield source_of(client, Path(scratch))


def source_of(client: FeedbackClient, scratch: Path) -> Source:
    """The comparisons of an experiment.

    Args:
        client: of the experiment.
        scratch: where its arrays are put.
    """
    about = client.about()
    events = [
        Event(
            Answer(one.comparison, one.labeler, one.preference, one.answered_at, one.rt_ms, one.strength), one.left,
            one.right,
        )
        for one in client.all_labels()
        if one.trains
    ]  # fmt: skip
    clips = dict(client.clips())
    experiment = Experiment(
        client.experiment, events, {one: ClipFacts(clip.step, clip.meta) for one, clip in clips.items()},
        partial(_packed, client, clips, scratch), lambda one: client.get_blob(clips[one].mp4),
        reward_settings(about.config),
    )  # fmt: skip
    facts = facts_of(about.env_id)
    return experiment_source(experiment, facts, actions_of(facts.action).to_env)


def _packed(client: FeedbackClient, clips: dict[SegmentId, ClipSpec], scratch: Path, one: SegmentId) -> bytes:
    """The arrays of a segment, fetched the first time that they are wanted."""
    blob = clips[one].arrays
    if not blob.isalnum():
        raise ServerFault(f"clip {one}: its arrays have the hash {blob[:70]!r}, no sha256. Is the server whole?")
    path = scratch / blob
    if not path.is_file():
        path.write_bytes(client.get_blob(blob))
    return path.read_bytes()
