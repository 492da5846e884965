"""An experiment in which no agent learns, only a reward for a data set: how that is told, kept and carried on."""

import importlib
import json

from django.apps import apps

from rl_teacher.server.exchange.read_in import import_folder
from rl_teacher.server.exchange.write_out import export_folder
from rl_teacher.server.models import Experiment
from rl_teacher.server.transactions.access import make_invite

BODY = {"env_id": "Hopper-v5", "config": {"agent": "dataset"}, "config_hash": "h"}


def put(world, slug="one", **more):
    url = f"/api/v1/experiments/{slug}"
    return world.trainer().put(url, json.dumps(BODY | more), content_type="application/json")


def test_a_trainer_says_it_and_one_that_says_nothing_has_an_agent(world):
    assert put(world, "set", has_agent=False).status_code == 201
    assert put(world, "run").status_code == 201
    assert dict(Experiment.objects.values_list("slug", "has_agent")) == {"set": False, "run": True}
    assert put(world, "set").status_code == 200  # it goes on as it began
    assert not Experiment.objects.get(slug="set").has_agent


def test_what_older_versions_made_for_a_data_set_is_known_by_its_settings(world):
    for slug, config in (("set", {"agent": "dataset"}), ("run", {"agent": "ppo"}), ("other", {})):
        world.experiment(slug, config=config)
    importlib.import_module("rl_teacher.server.migrations.0014_has_agent").of_data_sets(apps, None)
    assert dict(Experiment.objects.values_list("slug", "has_agent")) == {"set": False, "run": True, "other": True}


def test_nobody_was_bad_at_first_and_is_better_now(world):
    experiment = world.experiment(has_agent=False)
    for step in (0, 700):
        world.clip(experiment, step=step)
    browser = world.browser(world.member(experiment, "ann").user)
    told = browser.get("/api/v1/experiments/one/lesson:state").json()
    assert (told["then"], told["now"]) == (None, None)


def test_it_survives_an_export_and_an_import_and_older_exports_have_an_agent(world, worlds, tmp_path):
    world.experiment("set", has_agent=False, has_pixels=True)
    export_folder(world.folder, "set", tmp_path / "set")
    manifest = tmp_path / "set" / "manifest.json"
    with worlds() as other:
        import_folder(other.folder, tmp_path / "set")
        found = Experiment.objects.get()
        assert (found.has_agent, found.has_pixels) == (False, True)
    text = json.loads(manifest.read_text())
    del text["experiment"]["has_agent"], text["experiment"]["has_pixels"]
    manifest.write_text(json.dumps(text))
    with worlds() as other:
        import_folder(other.folder, tmp_path / "set")
        found = Experiment.objects.get()
        assert (found.has_agent, found.has_pixels) == (True, False)


def test_who_is_invited_reads_what_it_is_about(world):
    for slug, has_agent, said in (("set", False, "clips from a data set"), ("run", True, "clips of a learning agent")):
        owner = world.member(world.experiment(slug, has_agent=has_agent), f"o-{slug}", "owner")
        code = make_invite(owner.experiment, "labeler", owner.user, uses=1, for_guests=True)
        page = world.browser().get(f"/join/{code}").content.decode()
        assert said in page
        assert ("agent" in page) == has_agent
