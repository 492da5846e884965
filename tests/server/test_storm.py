"""Many threads at once, each answer sent twice: nothing is stored twice and nothing is lost."""

import threading
import uuid

import pytest
from django.db import connections

from rl_teacher.server.models import Assignment, Comparison, Experiment, LabelEvent, Response
from rl_teacher.server.transactions.answer import Answer, submit
from rl_teacher.server.transactions.claim import ClaimRequest, claim


def storm(world, num_threads, answers_each):
    experiment = world.experiment(labels_wanted=1000)
    people = [world.member(experiment, f"p{i}") for i in range(num_threads)]
    clips = [world.clip(experiment) for _ in range(2)]
    for i in range(num_threads * answers_each):  # twice as many slots as answers, so nobody runs dry
        world.comparison(experiment, wanted=2, a=clips[0], b=clips[1], priority=i)
    acknowledged, errors = {}, []

    def work(labeler):
        try:
            tab, held = uuid.uuid4(), []
            for _ in range(answers_each):
                if not held:
                    held = claim(Experiment.objects.get(), labeler, ClaimRequest(2, [], tab))
                if not held:
                    return
                row = held.pop(0)
                response, answer = uuid.uuid4(), Answer(row.id, "left")
                refill = ClaimRequest(1, [other.id for other in held], tab)
                first = submit(labeler.user_id, response, answer, refill)
                acknowledged[response] = row.id
                again = submit(labeler.user_id, response, answer, None)
                held += first.refill
                assert (first.is_new, again.is_new) == (True, False)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(labeler,)) for labeler in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(Response.objects.values_list("id", flat=True)) == set(acknowledged)
    assert sorted(LabelEvent.objects.values_list("seq", flat=True)) == list(range(1, len(acknowledged) + 1))
    for row in Comparison.objects.prefetch_related("assignments"):
        live = [a for a in row.assignments.all() if a.state in Assignment.LIVE]
        assert len(live) <= 2
        assert len({a.labeler_id for a in live}) == len(live)
    return len(acknowledged)


@pytest.mark.parametrize("world", ["TRUNCATE", "WAL"], indirect=True)
def test_a_small_storm(world):
    assert storm(world, 8, 6) == 48


@pytest.mark.slow
@pytest.mark.parametrize("world", ["TRUNCATE", "WAL"], indirect=True)
def test_a_storm_of_32_threads(world):
    assert storm(world, 32, 30) == 960
