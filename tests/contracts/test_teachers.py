"""What the loop relies on, of every teacher that answers inside `ask`."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rl_teacher.core.segment import Segment
from rl_teacher.records import Comparison, make_id
from rl_teacher.teachers.scripted import ScriptedTeacher, load_teacher
from rl_teacher.teachers.synthetic import PRESETS, SyntheticTeacher, preset
from tests.segments import segment_of

EXAMPLES = Path(__file__).parents[2] / "examples"
AnyTeacher = SyntheticTeacher | ScriptedTeacher


def segment(generator: np.random.Generator) -> Segment:
    """Five random steps."""
    obs, action, sim_state, true_reward = (generator.normal(size=size) for size in ((5, 3), (5, 2), (5, 12), 5))
    return segment_of(sim_state, true_reward, obs, action)


GENERATOR = np.random.default_rng(0)
SEGMENTS = {str(i): segment(GENERATOR) for i in range(30)}
COMPARISONS = [Comparison(make_id("run", i), str(i), str((7 * i + 1) % 30), step=i) for i in range(30) if i != 29]


def synthetic(kind: str) -> Callable[[], AnyTeacher]:
    return lambda: SyntheticTeacher(kind, preset(kind), seed=5)


def scripted(spec: str) -> Callable[[], AnyTeacher]:
    return lambda: load_teacher(f"{EXAMPLES}/{spec}", dt=0.02)


TEACHERS = {kind: synthetic(kind) for kind in PRESETS} | {
    "own_teacher": scripted("own_teacher.py:prefer_spinning"),
    "backflip": scripted("backflip.py:prefer_backflip"),
}


@pytest.fixture(params=TEACHERS)
def make(request: pytest.FixtureRequest) -> Callable[[], AnyTeacher]:
    return TEACHERS[request.param]


def observed(teacher: AnyTeacher) -> AnyTeacher:
    teacher.observe(mean_episode_return=40.0, episode_steps=50, mean_random_reward=-0.2)
    return teacher


def test_what_is_asked_is_answered_once(make: Callable[[], AnyTeacher]):
    teacher = observed(make())
    teacher.ask(COMPARISONS, SEGMENTS)
    labels = teacher.poll()
    assert [label.comparison for label in labels] == [one.id for one in COMPARISONS]
    assert all(label.preference is not None for label in labels)
    assert list(teacher.poll()) == []


def test_asks_before_one_poll_add_up(make: Callable[[], AnyTeacher]):
    teacher = observed(make())
    teacher.ask(COMPARISONS[:10], SEGMENTS)
    teacher.ask(COMPARISONS[10:], SEGMENTS)
    assert [label.comparison for label in teacher.poll(timeout_s=60.0)] == [one.id for one in COMPARISONS]


def test_asking_for_nothing_gives_nothing_and_poll_never_waits(make: Callable[[], AnyTeacher]):
    teacher = make()
    teacher.ask([], {})
    assert list(teacher.poll(timeout_s=60.0)) == []


def test_asked_twice_before_the_poll_is_one_label(make: Callable[[], AnyTeacher]):
    teacher = observed(make())
    teacher.ask(COMPARISONS, SEGMENTS)
    teacher.ask(COMPARISONS, SEGMENTS)
    assert len(teacher.poll()) == len(COMPARISONS)


def test_asking_again_in_any_order_gives_the_same_answers(make: Callable[[], AnyTeacher]):
    first, again = observed(make()), observed(make())
    first.ask(COMPARISONS, SEGMENTS)
    for one in reversed(COMPARISONS):
        again.ask([one], SEGMENTS)
    assert list(again.poll())[::-1] == list(first.poll())


def test_synthetic_and_scripted_labels_do_not_depend_on_the_clock(make: Callable[[], AnyTeacher]):
    teacher = observed(make())
    teacher.ask(COMPARISONS, SEGMENTS)
    assert {label.answered_at for label in teacher.poll()} == {""}


def test_a_restart_from_json_hands_over_the_same_labels_and_answers_the_same(make: Callable[[], AnyTeacher]):
    teacher = observed(make())
    teacher.ask(COMPARISONS[:15], SEGMENTS)
    restarted = make()
    restarted.restore(json.loads(json.dumps(teacher.state(), allow_nan=False)))
    assert restarted.state() == teacher.state()
    assert list(restarted.poll()) == list(teacher.poll())
    teacher.ask(COMPARISONS[15:], SEGMENTS)
    restarted.ask(COMPARISONS[15:], SEGMENTS)
    assert list(restarted.poll()) == list(teacher.poll())


def test_a_fresh_teacher_has_a_state(make: Callable[[], AnyTeacher]):
    fresh = make()
    fresh.restore(json.loads(json.dumps(make().state())))
    assert list(fresh.poll()) == []
