"""The trainer's side of the API, through Django's test client."""

import hashlib
import json
import uuid
import zipfile
from io import BytesIO

import numpy as np
import pytest

from rl_teacher.server.models import Clip, Comparison, Experiment, MetricPoint

BODY = {"env_id": "ShortHopper-v1", "config": {"seed": 1, "lr": 0.1}, "config_hash": "abc", "labels_wanted": 175}

WEBM = b"\x1a\x45\xdf\xa3" + b"\x42\x82\x84webm" + bytes(40)


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Api:
    """Short calls for one experiment."""

    def __init__(self, world, slug="one", client=None):
        self.client = client or world.trainer()
        self.base = f"/api/v1/experiments/{slug}"

    def call(self, method, path, body=None, **headers):
        return self.client.generic(
            method, self.base + path, json.dumps(body) if body is not None else "", "application/json", headers=headers
        )

    def blob(self, data, kind, name=None):
        return self.client.put(f"{self.base}/blobs/{name or sha(data)}", data, content_type=kind)

    def clip(self, video, arrays, clip_id=None, **fields):
        clip_id = clip_id or str(uuid.uuid4())
        body = {
            "mp4": sha(video),
            "arrays": sha(arrays),
            "fps": 20,
            "n_frames": 30,
            "hold_frames": 5,
            "width": 64,
            "height": 64,
            "step": 10,
        }
        return clip_id, self.call("PUT", f"/clips/{clip_id}", body | fields)


@pytest.fixture
def api(world):
    found = Api(world)
    assert found.call("PUT", "", BODY).status_code == 201
    return found


def problem(response, status, slug):
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert (response.status_code, body["type"], body["status"]) == (status, f"/problems/{slug}", status)
    return body


def test_an_experiment_is_made_once_and_resumed_after(world, api):
    again = api.call("PUT", "", BODY)
    assert again.status_code == 200
    assert again.json()["head"] == 0
    body = problem(
        api.call("PUT", "", BODY | {"config": {"seed": 2, "lr": 0.1}, "config_hash": "other"}), 409, "config-differs"
    )
    assert body["differing"] == {"seed": {"server": 1, "got": 2}}


@pytest.mark.parametrize("slug", ["-x", ".hidden", "a%20b", "a" * 101, "x:y"])
def test_odd_names_are_refused(world, slug):
    problem(Api(world, slug).call("PUT", "", BODY), 422, "invalid")


def test_clips_need_their_bytes_first(world, api, make_mp4, make_npz):
    video, arrays = make_mp4(), make_npz()
    clip_id, refused = api.clip(video, arrays)
    assert set(problem(refused, 409, "blobs-missing")["missing"]) == {sha(video), sha(arrays)}
    assert api.call("HEAD", f"/blobs/{sha(video)}").status_code == 404
    assert api.blob(video, "video/mp4").status_code == 201
    assert api.blob(video, "video/mp4").status_code == 200
    assert api.blob(arrays, "application/x-npz").status_code == 201
    assert api.call("HEAD", f"/blobs/{sha(video)}").status_code == 200
    assert api.clip(video, arrays, clip_id)[1].status_code == 201
    assert api.clip(video, arrays, clip_id)[1].status_code == 200
    problem(api.clip(video, arrays, clip_id, step=11)[1], 409, "body-differs")
    assert (world.folder.blobs / sha(video)[:2] / sha(video)[2:4] / sha(video)).read_bytes() == video
    assert api.call("GET", "/clips").json()["clips"][0]["arrays"] == sha(arrays)


def test_a_vp9_copy_can_be_added_later_and_stays(world, api, make_mp4, make_npz):
    video, arrays, copy = make_mp4(), make_npz(), WEBM
    for data, kind in ((video, "video/mp4"), (arrays, "application/x-npz"), (copy, "video/webm")):
        assert api.blob(data, kind).status_code == 201
    clip_id, made = api.clip(video, arrays)
    assert made.json()["webm"] is None
    problem(api.clip(video, arrays, clip_id, webm="0" * 64)[1], 409, "blobs-missing")
    problem(api.clip(video, arrays, clip_id, webm=sha(video))[1], 422, "invalid")
    problem(api.clip(video, arrays, clip_id, webm=sha(copy), step=11)[1], 409, "body-differs")
    added = api.clip(video, arrays, clip_id, webm=sha(copy))[1]
    assert (added.status_code, added.json()["webm"]) == (200, sha(copy))
    for again in (api.clip(video, arrays, clip_id, webm=sha(copy)), api.clip(video, arrays, clip_id)):
        assert (again[1].status_code, again[1].json()["webm"]) == (200, sha(copy))
    problem(api.clip(video, arrays, clip_id, webm=sha(copy), step=11)[1], 409, "body-differs")


def test_a_browser_without_h264_is_heard_by_the_trainer(world, api):
    beat = {"state": "training"}
    assert api.call("PUT", "/heartbeat", beat).json()["needs_webm"] is False
    person = world.member(Experiment.objects.get(), "ann")
    path = "/api/v1/experiments/one/queue:needs_webm"
    assert world.browser(world.user("eve")).post(path).status_code == 404
    assert api.call("PUT", "/heartbeat", beat).json()["needs_webm"] is False
    assert world.browser(person).post(path).status_code == 200
    assert api.call("PUT", "/heartbeat", beat).json()["needs_webm"] is True


def test_a_body_that_is_not_its_hash_is_refused_and_leaves_nothing(world, api, make_mp4):
    problem(api.blob(make_mp4(), "video/mp4", "0" * 64), 400, "hash-mismatch")
    assert list(world.folder.blobs.rglob("*")) == []


@pytest.mark.parametrize("name", ["..", "../../secret_key", "%2e%2e%2fsecret_key", "A" * 64, "0" * 63, "0" * 65])
def test_blob_names_cannot_leave_the_folder(world, api, make_mp4, name):
    response = api.client.put(f"{api.base}/blobs/{name}", make_mp4(), content_type="video/mp4")
    assert response.status_code in (404, 405)


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/zip", ""])
def test_other_types_are_refused(api, make_mp4, kind):
    problem(api.blob(make_mp4(), kind), 415, "media-type")


def test_videos_are_looked_into(api, make_mp4):
    whole = make_mp4(b"y" * 100)
    for bad in (b"<html>", whole[:-1], b"\0" * 20, make_mp4()[:24]):
        problem(api.blob(bad, "video/mp4"), 422, "bad-media")
    problem(api.blob(whole, "video/webm"), 422, "bad-media")
    problem(api.blob(whole, "application/x-npz"), 422, "bad-arrays")
    assert api.blob(b"\x1a\x45\xdf\xa3" + b"\x42\x82\x84webm" + b"z" * 20, "video/webm").status_code == 201


def test_oversized_uploads_are_refused(api, make_mp4):
    problem(api.blob(make_mp4(b"z" * (8 * 1024 * 1024)), "video/mp4"), 413, "too-large")


def npz_of(**members):
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def npy(array, allow_pickle=False):
    file = BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


GOOD = {"obs.npy": npy(np.zeros((4, 3))), "actions.npy": npy(np.zeros((4, 1)))}
HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (40000000000,), }"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (GOOD | {"obs.npy": npy(np.array([{"a": 1}] * 4, object), True)}, "objects"),
        (GOOD | {"obs.npy": npy(np.zeros(4, [("a", "f4")]))}, "structures"),
        (GOOD | {"evil.npy": npy(np.zeros(4))}, "members"),
        ({"obs.npy": GOOD["obs.npy"]}, "members"),
        (GOOD | {"../obs.npy": npy(np.zeros(4))}, "members"),
        (GOOD | {"obs.npy": npy(np.zeros((5, 3)))}, "obs has 5 steps, actions 4"),
        (GOOD | {"obs.npy": npy(np.zeros((4, 3)))[:-3]}, "needs"),
        (GOOD | {"obs.npy": b"\x93NUMPY\x01\x00" + len(HEADER).to_bytes(2, "little") + HEADER}, "needs 320000000077"),
        (GOOD | {"obs.npy": b"not numpy"}, "expected a .npy file"),
        (GOOD | {"obs.npy": b"\x93NUMPY\x01\x00\x0a\x00" + b"__import__"}, "cannot be read"),
        (GOOD | {"state.npy": b"\0" * (257 * 1024 * 1024)}, "expected at most 268435456"),
    ],
)
def test_harmful_arrays_are_refused(api, members, says):
    body = problem(api.blob(npz_of(**members), "application/x-npz"), 422, "bad-arrays")
    assert says in body["detail"]


def test_damaged_zip_is_refused(api):
    good = npz_of(**GOOD)
    problem(api.blob(good[: len(good) // 2], "application/x-npz"), 422, "bad-arrays")


def ready(api, make_mp4, make_npz, count=2):
    arrays = make_npz()
    api.blob(arrays, "application/x-npz")
    ids = []
    for i in range(count):
        video = make_mp4(str(i).encode())
        api.blob(video, "video/mp4")
        ids.append(api.clip(video, arrays)[0])
    return ids


def test_comparisons_are_made_all_or_none_and_once(api, make_mp4, make_npz):
    a, b = ready(api, make_mp4, make_npz)
    good = {"id": str(uuid.uuid4()), "a": a, "b": b, "priority": 1}
    bad = {"id": str(uuid.uuid4()), "a": a, "b": str(uuid.uuid4())}
    problem(api.call("POST", "/comparisons", [good, bad]), 409, "blobs-missing")
    assert Comparison.objects.count() == 0
    problem(api.call("POST", "/comparisons", [good | {"b": a}]), 422, "invalid")
    first = api.call("POST", "/comparisons", [good])
    again = api.call("POST", "/comparisons", [good | {"priority": 2}])
    assert (first.status_code, again.status_code) == (201, 200)
    assert (list(first.json()["results"].values()), list(again.json()["results"].values())) == (["created"], ["exists"])
    problem(api.call("POST", "/comparisons", [good | {"note": "other"}]), 409, "body-differs")
    problem(api.call("POST", "/comparisons", [{**good, "id": str(uuid.uuid4())}] * 257), 422, "invalid")
    assert api.call("PATCH", f"/comparisons/{good['id']}", {"priority": 9}).json()["priority"] == 9
    assert api.call("POST", "/comparisons:cancel", {"ids": [good["id"], str(uuid.uuid4())]}).json() == {
        "ids": [good["id"]]
    }
    assert [row["state"] for row in api.call("GET", "/comparisons?state=cancelled").json()["comparisons"]] == [
        "cancelled"
    ]


def test_gold_pairs_want_no_answers_for_training(api, make_mp4, make_npz):
    a, b = ready(api, make_mp4, make_npz)
    api.call("POST", "/comparisons", [{"id": str(uuid.uuid4()), "a": a, "b": b, "gold_answer": "a"}])
    assert Comparison.objects.get().wanted == 0


def test_a_new_trainer_gets_its_arrays_back(world, api, make_npz):
    arrays = make_npz()
    api.blob(arrays, "application/x-npz")
    response = api.call("GET", f"/blobs/{sha(arrays)}")
    assert response.status_code == 307
    assert response["Location"].startswith(f"/media/{sha(arrays)}.npz?")


def test_a_notice_stands_for_the_owner_until_an_empty_one_clears_it(world, api):
    experiment = Experiment.objects.get()
    owner = world.browser(world.member(experiment, "olga", "owner"))
    viewer = world.browser(world.member(experiment, "vera", "viewer"))
    beat = {"state": "training", "step": 5}
    text = "2 clips failed to render; <b>their pairs</b> were replaced"
    assert api.call("PUT", "/heartbeat", beat | {"notice": text}).status_code == 200
    first = Experiment.objects.get().notice_at
    for more in ({}, {"notice": None}, {"notice": text}):
        assert api.call("PUT", "/heartbeat", beat | more).status_code == 200
    assert Experiment.objects.get().notice_at == first
    assert b"&lt;b&gt;their pairs" in owner.get("/e/one").content
    assert b"their pairs" not in viewer.get("/e/one").content
    problem(api.call("PUT", "/heartbeat", beat | {"notice": "x" * 501}), 422, "invalid")
    assert api.call("PUT", "/heartbeat", beat | {"notice": ""}).status_code == 200
    assert b'id="notice" role="status" hidden' in owner.get("/e/one").content


def test_metrics_videos_and_heartbeat(world, api, make_mp4):
    points = [{"name": "true_return", "step": 1, "t": 1.0, "value": 2.0}]
    assert api.call("POST", "/metrics", points).json() == {"count": 1}
    api.call("POST", "/metrics", points)
    assert MetricPoint.objects.count() == 1
    video = make_mp4()
    problem(api.call("POST", "/videos", {"step": 5, "blob": sha(video)}), 409, "blobs-missing")
    api.blob(video, "video/mp4")
    assert [api.call("POST", "/videos", {"step": 5, "blob": sha(video)}).status_code for _ in range(2)] == [201, 200]
    answer = api.call("PUT", "/heartbeat", {"state": "waiting", "step": 5, "next_clips_s": 12.5})
    assert answer.json() == {"needs_webm": False, "paused": False, "target_rate": None, "ending_seen": False}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/metrics", [{"name": "x", "step": -1, "t": 0, "value": 0}]),
        ("/metrics", {"name": "x"}),
        ("/comparisons", []),
        ("/metrics", [{"name": "x", "step": 2**70, "t": 0, "value": 0}]),
        ("/metrics", [{"name": "x\0", "step": 1, "t": 0, "value": 0}]),
        ("/videos", {"step": 1, "blob": "zz"}),
        ("/videos", {"step": 1, "blob": "0" * 64, "more": 1}),
    ],
)
def test_what_is_mistyped_is_refused_with_its_place(api, path, body):
    found = problem(api.call("POST", path, body), 422, "invalid")
    assert found["errors"][0]["loc"][0] == "body"


def test_what_is_not_json_is_malformed(api):
    problem(api.client.post(f"{api.base}/metrics", "{nonsense", content_type="application/json"), 400, "malformed")


def test_not_a_number_is_refused(api):
    body = '[{"name": "x", "step": 1, "t": 0, "value": NaN}]'
    problem(api.client.post(f"{api.base}/metrics", body, content_type="application/json"), 422, "invalid")


def test_tokens_open_only_their_experiment_and_scopes(world, api):
    other = world.experiment("two")
    scoped = world.trainer(world.token(experiment=other))
    problem(scoped.get("/api/v1/experiments/one"), 404, "not-found")
    assert scoped.get("/api/v1/experiments/two").status_code == 200
    reader = world.trainer(world.token(scopes=["dataset:read"]))
    problem(Api(world, client=reader).call("PUT", "", BODY), 403, "scope")
    problem(world.trainer("rlt_wrong").get("/api/v1/experiments/one"), 401, "not-signed-in")


def test_revoked_and_expired_tokens_open_nothing(world, api):
    from rl_teacher.server.models import ApiToken, User
    from rl_teacher.server.transactions.access import revoke_token

    text = world.token()
    assert world.trainer(text).get("/api/v1/experiments/one").status_code == 200
    revoke_token(ApiToken.objects.latest("pk").pk, User.objects.first() or world.user("x"))
    problem(world.trainer(text).get("/api/v1/experiments/one"), 401, "not-signed-in")
    assert text not in json.dumps(list(ApiToken.objects.values()), default=str)


def test_this_machines_token_works_from_this_machine_only(world, api):
    from rl_teacher.server.transactions.access import know_own_token

    know_own_token("rlt_own")
    client = world.trainer("rlt_own")
    assert client.get("/api/v1/experiments/one").status_code == 200
    assert client.get("/api/v1/experiments/one", REMOTE_ADDR="10.0.0.7").status_code == 401
    assert client.get("/api/v1/experiments/one", headers={"x-forwarded-for": "127.0.0.1"}).status_code == 401


def test_a_session_is_not_a_token(world, api):
    browser = world.browser(world.user("root", admin=True))
    problem(
        browser.put("/api/v1/experiments/two", json.dumps(BODY), content_type="application/json"), 401, "not-signed-in"
    )


def test_old_clients_with_fewer_fields_still_work(world, api, make_mp4, make_npz):
    video, arrays = make_mp4(), make_npz()
    api.blob(video, "video/mp4")
    api.blob(arrays, "application/x-npz")
    body = {"mp4": sha(video), "arrays": sha(arrays), "fps": 20, "n_frames": 30, "width": 64, "height": 64, "step": 1}
    assert api.call("PUT", f"/clips/{uuid.uuid4()}", body).status_code == 201
    assert Clip.objects.get().hold_frames == 0


def test_another_persons_cap_on_requests(world, api):
    from rl_teacher.server.throttle import REQUESTS

    for _ in range(REQUESTS.burst):
        REQUESTS.check("someone", now=0.0)
    from rl_teacher.server.problems import Problem

    with pytest.raises(Problem, match="slow-down"):
        REQUESTS.check("someone", now=0.0)
    REQUESTS.check("someone", now=1.0)


def test_the_second_labeler_brings_doubled_pairs(world, api, make_mp4, make_npz):
    from rl_teacher.server.models import Experiment
    from rl_teacher.server.transactions.answer import Answer, submit
    from rl_teacher.server.transactions.claim import ClaimRequest, claim

    experiment = Experiment.objects.get()
    Experiment.objects.update(double_rate=0.1, gold_rate=0, repeat_rate=0)
    a, b = ready(api, make_mp4, make_npz)

    def ask(count):
        body = [{"id": str(uuid.uuid4()), "a": a, "b": b} for _ in range(count)]
        api.call("POST", "/comparisons", body)

    ask(20)
    assert set(Comparison.objects.values_list("wanted", flat=True)) == {1}
    for name in ("ann", "bob"):
        member = world.member(experiment, name)
        (row,) = claim(experiment, member, ClaimRequest(1, [], uuid.uuid4()))
        submit(member.user_id, uuid.uuid4(), Answer(row.id, "left"))
    ask(20)
    assert Comparison.objects.filter(wanted=2).count() == 2
