"""Text as editors, forms and copies on other systems save it: a byte order mark, carriage returns."""

import json

import pytest

from rl_teacher.server.models import Experiment, Guideline
from rl_teacher.server.transactions import manage


@pytest.mark.parametrize("spelled", [b"\xef\xbb\xbf%s", b"%s\r\n", b"\xef\xbb\xbf\r\n%s\r\n"])
def test_json_and_guidelines_are_taken_as_they_are_meant(world, spelled):
    body = {"env_id": "E", "config": {}, "config_hash": "h", "guideline": "\ufeff# Fast\r\n\r\nand *far*\r\n"}
    made = world.trainer().put(
        "/api/v1/experiments/one", spelled % json.dumps(body).encode(), content_type="application/json"
    )
    assert made.status_code == 201, made.content
    assert Guideline.objects.get().markdown == "# Fast\n\nand *far*\n"
    manage.add_guideline(Experiment.objects.get(), "\ufeff# Slow\r\n", world.user("root", admin=True))
    assert Guideline.objects.get(version=2).markdown == "# Slow"


@pytest.mark.parametrize("text", ["rlt_token\r\n", "\ufeffrlt_token", "\ufeffrlt_token\r\n"])
def test_the_files_of_secrets_are_taken_as_they_are_meant(world, text):
    world.folder.trainer_token.write_text(text)
    (world.folder.root / "secret_key").write_text(text)
    assert world.folder.own_token(None) == world.folder.secret_key() == "rlt_token"
