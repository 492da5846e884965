"""People sort clips: questions that wait for answers, and a clip that is moved by hand reaches the reward model."""

import json
import uuid
from collections.abc import Callable

import pytest
from session_rig import AB, BC, Rig, collect
from teaching import Teaching

from benchmarks.labelers import HttpLabeler
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.ranking.ranking import rank
from rl_teacher.storage.label_log import LabelLog


def test_an_answer_says_which_clips_it_is_about(rig: Rig):
    session = rig.session()
    rig.ask(session, AB, BC)
    rig.server.answer("bc", "b")
    assert [label.sides for label in collect(session, 1)] == [("b", "c")]


@pytest.mark.slow
def test_people_sort_clips_and_what_they_move_is_trained_on(teaching: Callable[..., Teaching]) -> None:
    words = ["-e", "ShortReacher-v1", "-L", "16", "-l", "44", "-t", "400000", "--selection.rule", "sorted"]
    run = teaching(*words, "--selection.list_clips", "12").start()
    run.says(r"(0/16 comparisons labeled)")
    with run.client() as client, HttpLabeler(run.login(), client) as labeler:
        for _ in range(16):
            labeler.answer()
        run.says(r"(Starting joint training)")
        for _ in range(6):
            labeler.answer()
        clips = [json.loads(line)["left"] for line in (run.folder / "comparisons.jsonl").read_text().splitlines()]
        clip, below = next((one, clips[0]) for one in clips if one != clips[0])
        move = uuid.uuid4()
        form = {"clip": clip, "below": below, "move": move.hex}
        labeler._http.post("/e/people/ranking/move", data=form, headers={"HX-Request": "true"}).raise_for_status()
        moved = str(uuid.uuid5(uuid.uuid5(move, "0"), "comparison"))
        run.wait_for(lambda: [one for one in run.labels() if one["comparison"] == moved])
        while labeler.num_answers < 40:
            try:
                labeler.answer(timeout_s=5.0)
            except Exception:  # the run is over before all was answered
                break
        assert run.process is not None
        if run.process.poll() is None:
            run.stop()
    dataset = Dataset()
    LabelLog(run.folder).read(dataset)
    assert dataset.has(moved)
    assert dataset.num_labels >= 23
    shown = {one for each in dataset.comparisons for one in (each.left, each.right)}
    assert len(shown) < len(dataset.comparisons) * 1.5, "clips come again"
    assert rank(dataset.answers())[0].num_answers >= 10
