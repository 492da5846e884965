"""The task in one sentence: who says it, who waits for it, and what became of the first lines of old guides."""

import importlib
import json

import pytest
from django.apps import apps

from rl_teacher.server.exchange.read_in import import_folder
from rl_teacher.server.exchange.write_out import export_folder
from rl_teacher.server.models import AuditLog, Experiment, Guideline
from rl_teacher.server.transactions import manage

BODY = {"env_id": "E", "config": {}, "config_hash": "h"}
CLAIM = {"want": 1, "have": [], "tab": "11111111-1111-4111-8111-111111111111"}


@pytest.fixture
def trainer(world):
    return world.trainer()


def told(trainer, **said):
    """The experiment as it is once a trainer has said so."""
    answer = trainer.put("/api/v1/experiments/one", json.dumps(BODY | said), content_type="application/json")
    assert answer.status_code in (200, 201), answer.content
    return Experiment.objects.get(slug="one")


def claimed(browser):
    answer = browser.post("/api/v1/experiments/one/queue:claim", json.dumps(CLAIM), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize(
    ("said", "task", "asks"),
    [
        ({"task": "Stand on one leg"}, "Stand on one leg", False),
        ({"task": "  Stand\non one leg "}, "Stand on one leg", False),
        ({"task": ""}, "", True),
        ({}, "", False),  # a trainer from before there were tasks
        ({"guideline": "# Hop far\n\nLying is bad."}, "Hop far", False),
        ({"guideline": "x" * 200}, "x" * 139 + "…", False),
        ({"task": "Hop", "guideline": "Lying is bad."}, "Hop", False),
    ],
)
def test_a_new_experiment_has_the_task_that_its_trainer_says_or_asks_its_owner(trainer, said, task, asks):
    found = told(trainer, **said)
    assert (found.task, found.asks_task) == (task, asks)


def test_labelers_wait_until_the_owner_has_said_it(world, trainer):
    experiment = told(trainer, task="")
    world.comparisons(experiment, 2)
    labeler = world.browser(world.member(experiment, "lena"))
    owner = world.browser(world.member(experiment, "olga", "owner"))
    assert claimed(labeler) | {"progress": 0, "held_until": 0} == {
        "assignments": [], "state": "needs_task", "task": "", "progress": 0, "held_until": 0
    }  # fmt: skip
    waiting = labeler.get("/api/v1/experiments/one/queue").json()
    assert (waiting["available"], waiting["state"]) == (False, "needs_task")
    assert b"task-form" not in labeler.get("/e/one/label").content
    assert b"task-form" in owner.get("/e/one/label").content
    assert labeler.post("/e/one/task", {"task": "Mine"}).status_code in (403, 404)
    answer = owner.post("/e/one/task", {"task": "  Stand on\none leg "})
    assert (answer.status_code, answer["Location"]) == (303, "/e/one/label")
    now = claimed(labeler)
    assert (len(now["assignments"]), now["state"], now["task"]) == (1, "training", "Stand on one leg")
    assert labeler.get("/api/v1/experiments/one/queue").json()["seen"] != waiting["seen"]
    assert b"Stand on one leg" in labeler.get("/e/one/label").content


def test_the_owner_may_go_on_without_a_task(world, trainer):
    experiment = told(trainer, task="")
    world.comparison(experiment)
    owner = world.browser(world.member(experiment, "olga", "owner"))
    assert owner.post("/e/one/task", {"task": "half a thought", "skip": "1"}).status_code == 303
    now = claimed(owner)
    assert (len(now["assignments"]), now["task"]) == (1, "")
    assert b"Which clip is better?" in owner.get("/e/one/label").content


def test_a_task_that_does_not_fit_above_the_clips_is_refused(world, trainer):
    experiment = told(trainer, task="Hop")
    owner = world.browser(world.member(experiment, "olga", "owner"))
    assert owner.post("/e/one/task", {"task": "x" * 141}).status_code == 422
    long = trainer.put(
        "/api/v1/experiments/two", json.dumps(BODY | {"task": "x" * 141}), content_type="application/json"
    )
    assert long.status_code == 422
    assert Experiment.objects.get(slug="one").task == "Hop"


def test_a_trainer_that_goes_on_changes_the_task_only_by_news(world, trainer):
    experiment = told(trainer, task="Hop")
    owner = world.browser(world.member(experiment, "olga", "owner"))
    owner.post("/e/one/task", {"task": "Hop far", "next": "overview"})
    assert told(trainer, task="Hop").task == "Hop far"  # the same command again
    assert told(trainer, task="").task == "Hop far"
    assert told(trainer).task == "Hop far"
    assert told(trainer, task="Stand").task == "Stand"
    owner.post("/e/one/task", {"task": "Hop far"})
    assert told(trainer, task="Stand").task == "Hop far"
    assert told(trainer, task="Hop").task == "Hop"
    assert [row.detail["task"] for row in AuditLog.objects.filter(action="task").order_by("pk")] == [
        "Hop far", "Stand", "Hop far", "Hop"
    ]  # fmt: skip


def test_a_trainer_says_what_its_owner_was_asked_for(world, trainer):
    assert told(trainer, task="").asks_task
    found = told(trainer, task="Hop")
    assert (found.task, found.asks_task) == ("Hop", False)


def test_the_guide_does_not_say_the_task_twice(world, trainer):
    experiment = told(trainer, guideline="# Hop far\n\nLying is bad.")
    page = world.browser(world.member(experiment, "lena")).get("/e/one/label")
    assert page.content.decode().count("Hop far") == 2  # above the clips, and above the guide
    assert page.context["guideline"]["html"] == "<p>Lying is bad.</p>\n"
    assert Guideline.objects.get().markdown == "# Hop far\n\nLying is bad."


@pytest.mark.parametrize(("state", "paused", "shown"), [
    ("training", False, "needs_task"), ("training", True, "paused"), ("done", False, "done"),
])  # fmt: skip
def test_what_people_see_of_an_experiment_without_a_task(world, state, paused, shown):
    assert world.experiment(state=state, paused=paused, asks_task=True).shown_state == shown


def test_what_stood_above_the_clips_stays_there_when_a_database_is_updated(world):
    admin, line = world.user("root", admin=True), "x" * 200
    for slug, texts in (("one", ["Judge speed.", "# Judge height\n\nNot speed."]), ("two", [line]), ("three", [])):
        experiment = world.experiment(slug)
        for text in texts:
            manage.add_guideline(experiment, text, admin)
    importlib.import_module("rl_teacher.server.migrations.0008_task").first_lines(apps, None)
    tasks = dict(Experiment.objects.values_list("slug", "task"))
    assert tasks == {"one": "Judge height", "two": "x" * 139 + "…", "three": ""}
    assert not Experiment.objects.filter(asks_task=True).exists()  # nobody who labels already has to wait


@pytest.mark.parametrize("is_old", [False, True])
def test_an_export_has_the_task_and_one_from_before_has_the_first_line_of_its_guide(worlds, tmp_path, is_old):
    with worlds() as world:
        experiment = world.experiment(task="Hop far", task_told="Hop")
        manage.add_guideline(experiment, "# Hop as it was\n", world.user("root", admin=True))
        export_folder(world.folder, "one", tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    manifest = json.loads(path.read_text())
    if is_old:
        for name in ("task", "task_told", "asks_task"):
            del manifest["experiment"][name]
        path.write_text(json.dumps(manifest))
    with worlds() as world:
        import_folder(world.folder, tmp_path / "out")
        found = Experiment.objects.get()
        assert (found.task, found.asks_task) == ("Hop as it was" if is_old else "Hop far", False)
