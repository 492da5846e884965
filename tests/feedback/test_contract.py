"""The OpenAPI description against the code: no request of any shape makes the server fail."""

import json

import pytest

from rl_teacher.feedback.models import Experiment


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
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    count = 0
    with worlds() as world:
        world.comparisons(world.experiment(), 3)
        raw, clients = calls(world)
        schema = schemathesis.openapi.from_dict(raw)
        for result in schema.get_all_operations():
            operation = result.ok()
            client = clients[operation.definition.raw["tags"][0]]

            @settings(
                max_examples=25,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                database=None,
            )
            @given(case=st.one_of(operation.as_strategy(), operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)))
            def check(case, client=client):
                nonlocal count
                path = case.formatted_path.replace("{slug}", "one")
                if Experiment.objects.exists() and "experiments/" in path:
                    path = "/api/v1/experiments/one" + path.split("/experiments/", 1)[1].partition("/")[2].join(
                        ["/", ""]
                    )
                body = case.body
                data = body if isinstance(body, bytes) else "" if body is None else dump(body)
                kind = "video/mp4" if isinstance(body, bytes) else "application/json"
                query = {k: v for k, v in (case.query or {}).items() if k != "wait"}
                response = client.generic(case.method, path.rstrip("/"), data, kind, QUERY_STRING=encode(query))
                count += 1
                assert response.status_code < 500, (case.method, path, data, response.status_code)
                if response.status_code >= 400 and case.method != "HEAD":
                    assert response["Content-Type"] == "application/problem+json"

            check()
    assert count > 300


def dump(body):
    try:
        return json.dumps(body)
    except (TypeError, ValueError):
        return repr(body)


def encode(query):
    from urllib.parse import quote

    return "&".join(f"{quote(str(k))}={quote(str(v))}" for k, v in query.items())
