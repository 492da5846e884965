"""A run folder joins its experiment: what only the server has comes back first, and the end is said to it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_server import SmallServer, frames, segment, wait_for

from rl_teacher.config.run import HumanConfig, RunConfig
from rl_teacher.people.attach import SENT, attach, detach
from rl_teacher.people.connection import Connection
from rl_teacher.people.download import download
from rl_teacher.people.feedback_session import FeedbackSession
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.records import Comparison
from rl_teacher.storage.label_log import LabelLog

SEGMENTS = {name: segment(i) for i, name in enumerate("abc")}
SEGMENTS["c"] = replace(SEGMENTS["c"], end=3)
AB, BC, CA = Comparison("ab", "a", "b", 100), Comparison("bc", "b", "c", 200), Comparison("ca", "c", "a", 300)


def attached(server: SmallServer, folder: Path, log: list[str], *, resume: bool, is_new: bool) -> FeedbackSession:
    """A session in `folder`; its one clip worker can make clips of ready pictures only."""
    folder.mkdir(exist_ok=True)
    human = HumanConfig(clip_workers=1)
    config = RunConfig(env_id="ShortReacher-v1", predictor="human", name="run", resume=resume, human=human)
    connection = Connection(server.client(), None, is_new, folder)
    return attach(connection, folder, config, content=frames, fps=20, backend=None, log=log.append)


@pytest.fixture
def server(tmp_path: Path) -> SmallServer:
    """One that was asked about three pairs at step 300, and has answers to two of them."""
    made = SmallServer()
    session = attached(made, tmp_path / "first", [], resume=False, is_new=True)
    session.ask([AB, BC, CA], SEGMENTS)
    wait_for(lambda: len(made.comparisons) == 3)
    detach(session, ["ab", "bc", "ca"], is_done=False)
    assert set(made.states.values()) == {"open"}
    made.answer("bc", "a")
    made.answer("ca", "tie")
    made.answer("bc", None)
    return made


def test_a_run_that_is_resumed_elsewhere_gets_back_what_was_answered(server: SmallServer, tmp_path: Path):
    log: list[str] = []
    detach(attached(server, tmp_path / "there", log, resume=True, is_new=False), [], is_done=False)
    assert log == [
        "Took back 1 comparisons that nobody had answered.",
        "Fetched 2 answered comparisons from http://small.",
    ]
    assert server.states == {"ab": "cancelled", "bc": "answered", "ca": "answered"}
    dataset = Dataset()
    LabelLog(tmp_path / "there").read(dataset)
    # a segment is of the step at which it was first drawn: b and c went out with ab and bc
    assert dataset.comparisons == [Comparison("bc", "b", "c", 200), Comparison("ca", "c", "a", 200)]
    assert (dataset.num_answered, dataset.num_labels) == (1, 1)  # bc was withdrawn
    ((_, left, right),) = dataset.pairs(["ca"])
    for row, name in ((left, "c"), (right, "a")):
        asked = SEGMENTS[name]
        assert row.id.tolist() == [name]
        assert row.env_action.tolist() == row.reward_action.tolist() == [asked.reward_action.tolist()]
        for field in ("obs", "true_reward", "sim_state"):
            assert np.array_equal(getattr(row, field)[0], getattr(asked, field)), field
        for field in ("env", "episode", "start", "iteration", "end"):
            assert getattr(row, field).tolist() == [getattr(asked, field)], field


@pytest.mark.parametrize(("resume", "is_new"), [(False, False), (True, True)])
def test_nothing_is_fetched_for_a_new_run_or_a_new_experiment(
    server: SmallServer, tmp_path: Path, resume: bool, is_new: bool
):
    detach(attached(server, tmp_path / "there", [], resume=resume, is_new=is_new), [], is_done=False)
    assert server.states["ab"] == "open"
    assert not (tmp_path / "there" / "comparisons.jsonl").exists()


def test_a_run_that_has_its_folder_keeps_what_it_has(server: SmallServer, tmp_path: Path):
    (tmp_path / "first" / "comparisons.jsonl").write_text("")
    log: list[str] = []
    session = attached(server, tmp_path / "first", log, resume=True, is_new=False)
    session.ask([AB, CA], SEGMENTS)
    detach(session, [], is_done=True)
    assert log == []
    assert len(server.uploads) == 6  # three clips and three comparisons, by the first session


def test_a_new_experiment_has_none_of_what_an_older_one_of_the_folder_was_sent(server: SmallServer, tmp_path: Path):
    assert len((tmp_path / "first" / SENT).read_text().splitlines()) == 6
    other = SmallServer()
    session = attached(other, tmp_path / "first", [], resume=True, is_new=True)
    session.ask([AB], SEGMENTS)
    wait_for(lambda: list(other.comparisons) == ["ab"])
    detach(session, ["ab"], is_done=True)
    assert [json.loads(line) for line in (tmp_path / "first" / SENT).read_text().splitlines()][-1] == "ab"
    assert other.states == {"ab": "cancelled"}
    assert other.heartbeats[-1]["state"] == "done"


def test_nothing_answered_is_no_download():
    with SmallServer().client() as client:
        assert download(client, lambda line: None) is None
