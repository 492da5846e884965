"""The lesson as a whole: when learning begins, then and now, and how it ended."""

import json

import pytest

from rl_teacher.server.exchange.read_in import import_folder
from rl_teacher.server.exchange.write_out import export_folder
from rl_teacher.server.models import AgentVideo, Experiment, MetricPoint

ENDING = {"step": 5000, "labels": 36, "before": -10.5, "after": -4.25, "is_true": True, "commands": ["replay x"]}
BEGUN = {"first_labels": 12, "label_budget": 40, "has_begun": True, "relevances": "more speed (96 %)"}
STATE, SEEN = "/api/v1/experiments/one/lesson:state", "/api/v1/experiments/one/lesson:seen"


def tell(world, **told):
    url = "/api/v1/experiments/one/lesson"
    return world.trainer().put(url, json.dumps({"first_labels": 12} | told), content_type="application/json")


def beat(world, state):
    url = "/api/v1/experiments/one/heartbeat"
    return world.trainer().put(url, json.dumps({"state": state, "step": 5000}), content_type="application/json").json()


def goal():
    return Experiment.objects.get().goal


def test_the_bar_runs_to_the_beginning_of_learning_then_to_the_budget_and_nowhere_without_one(world):
    experiment = world.experiment(labels_wanted=16)
    assert goal() == 16  # a trainer of an older version
    assert tell(world).status_code == 200
    assert goal() == 12
    tell(world, **BEGUN)
    assert goal() == 40
    tell(world, **BEGUN | {"label_budget": 0})
    assert goal() == 0
    browser = world.browser(world.member(experiment, "ann").user)
    progress = browser.get("/api/v1/experiments/one/queue").json()["progress"]
    assert (progress["labels_wanted"], progress["has_begun"]) == (0, True)


@pytest.mark.parametrize(
    "wrong",
    [{"first_labels": 0}, {"relevances": "x" * 501}, {"more": 1}, {"ending": {"step": 1}},
     {"ending": ENDING | {"after": 1e301}}],
    ids=["none", "long", "unknown", "labels missing", "too large"],
)  # fmt: skip
def test_a_wrong_lesson_is_refused_and_changes_nothing(world, wrong):
    world.experiment()
    assert tell(world, **wrong).status_code == 422
    assert Experiment.objects.get().first_labels == 0


def test_the_ending_is_told_when_the_trainer_is_done_and_commands_only_to_its_owner(world):
    experiment = world.experiment()
    labeler = world.browser(world.member(experiment, "ann").user)
    owner = world.browser(world.member(experiment, "bob", "owner").user)
    tell(world, **BEGUN, ending=ENDING)
    assert labeler.get(STATE).json()["ending"] is None
    beat(world, "done")
    found = owner.get(STATE).json()
    assert (found["state"], found["relevances"], found["ending"]) == ("done", "more speed (96 %)", ENDING)
    assert labeler.get(STATE).json()["ending"] == ENDING | {"commands": []}
    beat(world, "training")  # resumed, with more steps
    assert owner.get(STATE).json()["ending"] is None


def test_a_run_that_was_stopped_is_paused_and_has_no_ending(world):
    browser = world.browser(world.member(world.experiment(), "ann").user)
    tell(world, **BEGUN)
    beat(world, "paused")
    found = browser.get(STATE).json()
    assert (found["state"], found["ending"]) == ("paused", None)


def test_an_older_trainer_ends_with_what_its_curves_say(world):
    experiment = world.experiment()
    browser = world.browser(world.member(experiment, "ann").user)
    beat(world, "done")
    ending = browser.get(STATE).json()["ending"]
    nothing = {"step": None, "labels": 0, "before": None, "after": None, "is_true": None, "commands": []}
    assert ending == nothing
    for step, value in ((100, -3.0), (300, 8.0), (200, 99.0)):
        MetricPoint.objects.create(experiment=experiment, name="predicted_return", step=step, t=0, value=value)
    ending = browser.get(STATE).json()["ending"]
    assert (ending["before"], ending["after"], ending["is_true"]) == (-3.0, 8.0, False)
    for step, value in ((100, 1.0), (300, 2.0)):
        MetricPoint.objects.create(experiment=experiment, name="true_return", step=step, t=0, value=value)
    ending = browser.get(STATE).json()["ending"]
    assert (ending["before"], ending["after"], ending["is_true"]) == (1.0, 2.0, True)
    tell(world, **BEGUN, ending=ENDING | {"before": None, "after": None, "is_true": False})
    ending = browser.get(STATE).json()["ending"]
    assert (ending["before"], ending["after"]) == (None, None)  # the true one is no measure of what was taught


def test_seen_counts_once_the_trainer_is_done_and_another_ending_is_unseen_again(world):
    browser = world.browser(world.member(world.experiment(), "ann").user)
    tell(world, **BEGUN)
    browser.post(SEEN)
    assert beat(world, "training")["ending_seen"] is False
    tell(world, **BEGUN, ending=ENDING)
    assert beat(world, "done")["ending_seen"] is False
    assert browser.post(SEEN).status_code == 200
    assert beat(world, "done")["ending_seen"] is True
    tell(world, **BEGUN, ending=ENDING)  # the same, after a lost answer
    assert beat(world, "done")["ending_seen"] is True
    tell(world, **BEGUN, ending=ENDING | {"after": 3.0})
    assert beat(world, "done")["ending_seen"] is False


def test_strangers_learn_nothing_and_get_gets_write_nothing(world):
    experiment = world.experiment()
    stranger, member = world.browser(world.user("eve")), world.browser(world.member(experiment, "ann").user)
    assert [stranger.get(STATE).status_code, stranger.post(SEEN).status_code] == [404, 404]
    assert world.browser().get(STATE).status_code == 401
    assert member.get(SEEN).status_code == 405
    tell(world, **BEGUN, ending=ENDING)
    beat(world, "done")
    member.get(STATE)
    assert beat(world, "done")["ending_seen"] is False


def path(media):
    return media and media["mp4"].split("?")[0]


def test_then_is_the_first_clip_that_was_asked_about_and_now_the_newest_of_a_later_step(world):
    experiment = world.experiment()
    browser = world.browser(world.member(experiment, "ann").user)
    shown = lambda: [path(browser.get(STATE).json()[name]) for name in ("then", "now")]  # noqa: E731
    assert shown() == [None, None]
    first = world.clip(experiment, step=0)
    world.clip(experiment, step=0)
    address = f"/media/{first.mp4.sha256}.mp4"
    assert shown() == [address, None]
    later = world.clip(experiment, step=700)
    assert shown() == [address, f"/media/{later.mp4.sha256}.mp4"]
    AgentVideo.objects.create(experiment=experiment, step=600, blob=later.arrays)  # any bytes
    AgentVideo.objects.filter(step=600).update(blob=first.mp4)
    assert shown() == [address, address]
    assert browser.get(browser.get(STATE).json()["then"]["mp4"]).status_code != 500


def test_the_ending_survives_an_export_and_an_import(world, worlds, tmp_path):
    world.experiment()
    tell(world, **BEGUN, ending=ENDING)
    beat(world, "done")
    export_folder(world.folder, "one", tmp_path / "copy")
    with worlds() as other:
        import_folder(other.folder, tmp_path / "copy")
        found = Experiment.objects.get()
        assert (found.first_labels, found.label_budget, found.has_begun) == (12, 40, True)
        assert (found.relevances, found.ending, found.ending_seen_at) == ("more speed (96 %)", ENDING, None)
