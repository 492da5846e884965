"""What the reward model made of a pair: kept, exported, and shown to nobody before the answer."""

import base64
import json
import uuid

import pytest

from rl_teacher.server.exchange.read_in import import_folder
from rl_teacher.server.exchange.write_out import export_folder
from rl_teacher.server.models import Assignment, Experiment, Prediction
from rl_teacher.server.models.predictions import pack, unpack
from rl_teacher.server.pages.predictions import MOST_POINTS, prediction_json
from rl_teacher.server.transactions.answer import Answer, submit, withdraw
from rl_teacher.server.transactions.claim import ClaimRequest, claim

P_LEFT, PEAK = 0.734219, 7.125
SIGNS = ("p_left", "734219", "0.7342", "7.125", "data-prediction=", "the model gave", "percent")


def body(comparison, step=100, p_left=P_LEFT, a=(0.0, PEAK), b=(-1.0, 0.5, 0.25)):
    return {"comparison": str(comparison.id), "step": step, "p_left": p_left, "a": list(a), "b": list(b)}


def post(world, rows, **token):
    url = "/api/v1/experiments/one/predictions"
    return world.trainer(world.token(**token)).post(url, json.dumps(rows), content_type="application/json")


def lend(member, tab=1):
    return claim(Experiment.objects.get(), member, ClaimRequest(1, [], uuid.UUID(int=tab)))[0]


def say(row, side="left"):
    return submit(row.labeler.user_id, uuid.uuid4(), Answer(row.id, side)).response


def test_the_first_guess_stays_and_newer_curves_win(world):
    comparison = world.comparison(world.experiment())
    assert post(world, [body(comparison)]).json() == {"count": 1}
    assert post(world, [body(comparison)]).json() == {"count": 0}
    assert post(world, [body(comparison, step=50, a=[9.0])]).json() == {"count": 0}
    assert post(world, [body(comparison, step=200, p_left=0.01, a=[2.0, 3.0])]).json() == {"count": 1}
    row = Prediction.objects.get()
    assert (row.p_left, row.p_step, row.step) == (P_LEFT, 100, 200)
    assert (unpack(row.a), unpack(row.b)) == ([2.0, 3.0], [-1.0, 0.5, 0.25])


@pytest.mark.parametrize(
    "wrong",
    [{"p_left": 1.01}, {"p_left": None}, {"a": []}, {"b": [0.0] * 2001}, {"a": [1e39]}, {"step": -1}, {"extra": 1}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_prediction_is_refused_with_the_whole_list(world, wrong):
    good, bad = world.comparisons(world.experiment(), 2)
    assert post(world, [body(good), body(bad) | wrong]).status_code == 422
    assert not Prediction.objects.exists()


def test_too_many_unknown_and_unscoped_are_refused(world):
    comparison = world.comparison(world.experiment())
    elsewhere = world.comparison(world.experiment("two"))
    assert post(world, [body(comparison)] * 65).status_code == 422
    refused = post(world, [body(comparison), body(elsewhere)])
    assert (refused.status_code, refused.json()["missing"]) == (409, [str(elsewhere.id)])
    assert post(world, [body(comparison)], scopes=["dataset:read"]).status_code == 403
    assert not Prediction.objects.exists()


def test_whoever_has_not_answered_learns_nothing(world):
    experiment = world.experiment()
    ann, owner = world.member(experiment, "ann"), world.member(experiment, "olga", "owner")
    rows = world.comparisons(experiment, 3, wanted=2)
    post(world, [body(row) for row in rows])
    api, page = "/api/v1/experiments/one", world.browser(ann)
    claim_request = {"want": 1, "have": [], "tab": str(uuid.uuid4())}
    claimed = page.post(f"{api}/queue:claim", json.dumps(claim_request), content_type="application/json")
    (pair,) = claimed.json()["assignments"]
    lent = Assignment.objects.get().comparison_id
    seen = [claimed, page.get(f"/api/v1/assignments/{pair['assignment']}"), page.get("/e/one/label"), page.get("/me")]
    seen += [page.get(f"{api}/queue"), page.get(f"{api}/responses"), page.get(f"{api}/agent"), page.get("/api/v1/me")]
    seen += [page.get(f"/c/{row.id}") for row in rows]
    # The answer brings new pairs along, and its own prediction is nobody's business there.
    said = {"answer": {"assignment": pair["assignment"], "side": "left"}, "refill": claim_request}
    seen.append(page.put(f"/api/v1/responses/{uuid.uuid4()}", json.dumps(said), content_type="application/json"))
    assert len(seen[-1].json()["refill"]) == 1
    # An owner could still be asked for the second answer.
    watcher = world.browser(owner)
    seen += [watcher.get(f"/c/{row.id}") for row in rows] + [watcher.get("/e/one/comparisons"), watcher.get("/e/one")]
    seen.append(watcher.get(f"{api}/series"))
    for one in seen:
        assert [sign for sign in SIGNS if sign in one.content.decode()] == [], one.request["PATH_INFO"]
    shown = page.get(f"/c/{lent}").content.decode()
    assert "the model gave the left clip 73 %" in shown
    assert shown.count("<polyline") == 2


@pytest.mark.parametrize(("swapped", "percent"), [(False, 73), (True, 27)])
def test_my_labels_show_it_on_the_sides_that_were_seen(world, swapped, percent):
    experiment = world.experiment()
    ann = world.member(experiment, "ann")
    post(world, [body(world.comparison(experiment))])
    lent = lend(ann)
    Assignment.objects.update(swapped=swapped)
    lent.refresh_from_db()
    answer = say(lent)
    mine = world.browser(ann).get("/me")
    assert f"the model gave the left clip {percent} %" in mine.content.decode()
    (row,) = mine.context["answers"]
    sums = (row["prediction"]["left"]["sum"], row["prediction"]["right"]["sum"])
    assert sums == ((-0.25, PEAK) if swapped else (PEAK, -0.25))
    withdraw(ann.user_id, answer.id)
    assert world.browser(ann).get(f"/c/{lent.comparison_id}").context["prediction"] is None


def test_a_pair_that_comes_again_hides_it(world):
    experiment = world.experiment()
    ann = world.member(experiment, "ann")
    comparison = world.comparison(experiment)
    post(world, [body(comparison)])
    say(lend(ann))
    page = world.browser(ann)
    assert page.get("/me").context["answers"][0]["prediction"] is not None
    again = Assignment.objects.get()
    again.pk, again.kind, again.state, again.slot = uuid.uuid4(), "repeat", "leased", None
    again.save(force_insert=True)
    assert page.get("/me").context["answers"][0]["prediction"] is None
    assert page.get(f"/c/{comparison.id}").context["prediction"] is None


def test_owners_and_viewers_see_it_when_nobody_is_asked_any_more(world):
    experiment = world.experiment()
    ann, viewer = world.member(experiment, "ann"), world.member(experiment, "vera", "viewer")
    comparison = world.comparison(experiment)
    post(world, [body(comparison)])
    assert world.browser(viewer).get(f"/c/{comparison.id}").context["prediction"] is None
    say(lend(ann))
    prediction = world.browser(viewer).get(f"/c/{comparison.id}").context["prediction"]
    assert (prediction["percent"], prediction["p_step"], prediction["step"]) == (73, 100, 100)


def test_both_curves_have_one_scale_and_no_peak_is_lost():
    # The scale goes from -1 to 3 over 28 of 32 units: 3 is at y = 2, -1 at 30, zero at 30 - 28/4 = 23.
    row = Prediction(p_left=0.5, a=pack([3.0, -1.0]), b=pack([1.0]), p_step=1, step=1)
    prediction = prediction_json(row)
    assert prediction["left"] == {"points": "0,2 100,30", "zero": 23.0, "sum": 2.0}
    assert prediction["right"]["points"] == "0,16"
    row.a = pack([0.0] * 900 + [5.0] + [0.0] * 1099)
    points = prediction_json(row)["left"]["points"].split()
    assert len(points) <= MOST_POINTS
    assert sum(point.endswith(",2") for point in points) == 1
    row.a = row.b = pack([4.0, 4.0])
    assert prediction_json(row)["left"] == {"points": "0,16 100,16", "zero": None, "sum": 8.0}


def test_an_export_keeps_them_to_the_byte(worlds, tmp_path):
    with worlds() as world:
        rows = world.comparisons(world.experiment(), 3)
        post(world, [body(row, a=[0.1, 1 / 3, 1e-30, -3.4e38]) for row in rows])
        post(world, [body(rows[0], step=300)])
        export_folder(world.folder, "one", tmp_path / "first")
    with worlds() as world:
        import_folder(world.folder, tmp_path / "first")
        assert Prediction.objects.count() == 3
        export_folder(world.folder, "one", tmp_path / "second")
    first, second = (tmp_path / name / "predictions.jsonl" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_text().splitlines()) == 3


PNG = base64.b64encode(bytes.fromhex("89504e470d0a1a0a0000000d49484452") + b"a small picture").decode()
OTHER = base64.b64encode(bytes.fromhex("89504e470d0a1a0a0000000d49484452") + b"another one, b").decode()


def test_pictures_of_where_it_looks_are_kept_swapped_with_the_clips_and_exported(world, tmp_path):
    comparison = world.comparison(world.experiment())
    assert post(world, [body(comparison) | {"a_picture": PNG, "b_picture": OTHER}]).json() == {"count": 1}
    row = Prediction.objects.get()
    shown, swapped = prediction_json(row), prediction_json(row, swapped=True)
    assert (shown["left"]["picture"], shown["right"]["picture"]) == (PNG, OTHER)
    assert (swapped["left"]["picture"], swapped["right"]["picture"]) == (OTHER, PNG)
    export_folder(world.folder, "one", tmp_path / "out")
    line = json.loads((tmp_path / "out" / "predictions.jsonl").read_text())
    assert (line["a_picture"], line["b_picture"]) == (PNG, OTHER)


def test_newer_curves_without_pictures_take_the_old_ones_away(world):
    comparison = world.comparison(world.experiment())
    post(world, [body(comparison) | {"a_picture": PNG, "b_picture": OTHER}])
    post(world, [body(comparison, step=200)])
    assert Prediction.objects.get().a_picture == ""


@pytest.mark.parametrize("wrong", ["aGVsbG8gd29ybGQ=", PNG + '"><script>', PNG[:8], "iVBORw0KGgo" + "A" * 22_000])
def test_what_is_no_small_png_is_refused(world, wrong):
    comparison = world.comparison(world.experiment())
    assert post(world, [body(comparison) | {"a_picture": wrong}]).status_code == 422
