"""Writers that wait share one commit; what goes wrong with one of them is its own."""

import threading
import time
import uuid

import pytest
from django.db import connections

from rl_teacher.server.models import Experiment, LabelEvent, Response
from rl_teacher.server.problems import Problem
from rl_teacher.server.transactions import write as writing
from rl_teacher.server.transactions.answer import Answer, submit
from rl_teacher.server.transactions.claim import ClaimRequest, claim


def commits(world):
    """SQLite counts them in the header of its file."""
    return int.from_bytes(world.folder.database.read_bytes()[24:28], "big")


@pytest.mark.usefixtures("sqlite_only")
def test_waiting_answers_share_one_commit_and_one_mistake_spoils_nothing(world):
    experiment = world.experiment()
    world.comparisons(experiment, 8)
    people = [world.member(experiment, f"p{number}") for number in range(6)]
    lent = [claim(Experiment.objects.get(), one, ClaimRequest(1, [], uuid.uuid4()))[0] for one in people]
    outcomes = {}

    def say(number):
        try:
            assignment = lent[number].id if number != 3 else uuid.uuid4()
            outcomes[number] = submit(people[number].user_id, uuid.uuid4(), Answer(assignment, "left"))
        except Problem as problem:
            outcomes[number] = problem
        finally:
            connections.close_all()

    before = commits(world)
    threads = [threading.Thread(target=say, args=(number,)) for number in range(6)]
    with writing._TURN:
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while len(writing._WAITING) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert Response.objects.count() == 0
    for thread in threads:
        thread.join()
    assert commits(world) - before == 1
    assert isinstance(outcomes[3], Problem)
    assert outcomes[3].slug == "not-found"
    assert all(outcomes[number].is_new for number in (0, 1, 2, 4, 5))
    assert Response.objects.count() == 5
    assert sorted(LabelEvent.objects.values_list("seq", flat=True)) == [1, 2, 3, 4, 5]


def test_a_full_disk_is_everybodys_and_nothing_is_stored(world):
    works = [writing._Work(do) for do in (lambda: 1, fill_up, lambda: 2)]
    writing._do_together(works)
    assert [work.error.slug for work in works] == ["disk-full"] * 3
    assert all(work.is_done for work in works)


def fill_up():
    from django.db import OperationalError

    raise OperationalError("database or disk is full")
