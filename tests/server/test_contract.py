"""The OpenAPI description against the code: no request of any shape makes the server fail."""

import json
from contextlib import suppress

import pytest


def test_the_description_is_complete_and_behind_the_login(world):
    browser = world.browser(world.user("root", admin=True))
    schema = browser.get("/api/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert len(schema["paths"]) >= 24
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (path, method)
            assert operation.get("security"), (path, method)
    assert world.browser().get("/api/openapi.json").status_code == 302
    assert b"cdn" not in browser.get("/api/docs").content


def calls(world):
    """Every operation with a way to call it as somebody who may."""
    admin = world.browser(world.user("root", admin=True))
    schema = admin.get("/api/openapi.json").json()
    trainer = world.trainer()
    return schema, {"trainer": trainer, "labeler": admin, "viewer": admin}


@pytest.mark.slow
def test_no_generated_request_makes_the_server_fail(worlds):
    schemathesis = pytest.importorskip("schemathesis")
    with worlds() as world:
        world.comparisons(world.experiment(), 3)
        raw, clients = calls(world)
        statuses = []
        for result in schemathesis.openapi.from_dict(raw).get_all_operations():
            operation = result.ok()
            client = clients[operation.definition.raw["tags"][0]]
            if "video/mp4" in json.dumps(operation.definition.raw.get("requestBody", {})):
                continue  # raw bytes: test_trainer_api.py sends it broken uploads
            for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
                statuses += shower(operation, mode, client)
    assert len(statuses) > 200
    assert {200, 404, 422} <= set(statuses)


def shower(operation, mode, client):
    """Many requests of one kind; their statuses."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable

    statuses = []

    @settings(
        max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=operation.as_strategy(mode))
    def check(case):
        if "slug" in (case.path_parameters or {}):
            case.path_parameters["slug"] = "one"
        data = case.body if isinstance(case.body, bytes) else dump(case.body)
        kind = "video/mp4" if isinstance(case.body, bytes) else "application/json"
        query = {k: v for k, v in (case.query or {}).items() if k != "wait"}
        response = client.generic(case.method, case.formatted_path, data, kind, QUERY_STRING=encode(query))
        statuses.append(response.status_code)
        assert response.status_code < 500, (case.method, case.formatted_path, query, data, response.status_code)
        if response.status_code >= 400 and case.method != "HEAD":
            assert response["Content-Type"] == "application/problem+json"

    with suppress(Unsatisfiable):  # nothing can be wrong about a call without parameters
        check()
    return statuses


def dump(body):
    if type(body).__name__ == "NotSet" or body is None:
        return ""
    try:
        return json.dumps(body)
    except (TypeError, ValueError):
        return repr(body)


def encode(query):
    from urllib.parse import quote

    return "&".join(f"{quote(str(k))}={quote(str(v))}" for k, v in query.items())
