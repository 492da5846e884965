"""The trainer's client against a real server process."""

import hashlib
import threading
import time
import uuid
from dataclasses import replace

import pytest

from rl_teacher.errors import ServerFault
from rl_teacher.people.client.api import FeedbackClient, ServerAway, ServerRefused
from rl_teacher.people.client.messages import MetricPoint, Prediction
from rl_teacher.records import Comparison, Preference


def upload_pair(client, media, count=1):
    arrays = client.put_blob(media.npz(), "application/x-npz")
    clips = []
    for i in range(2):
        clip_id = str(uuid.uuid4())
        client.put_clip(clip_id, media.clip(client.put_blob(media.mp4(str(i).encode()), "video/mp4"), arrays))
        clips.append(clip_id)
    rows = [Comparison(str(uuid.uuid4()), clips[0], clips[1], 1000) for _ in range(count)]
    client.create_comparisons(rows)
    return rows


def test_an_experiment_is_resumed_with_the_same_configuration_only(client, spec):
    assert not client.ensure_experiment(spec).is_new
    with pytest.raises(ServerRefused, match="other values of seed"):
        client.ensure_experiment(replace(spec, config={"seed": 2}, config_hash="other"))


def test_bytes_come_back_as_they_went(client, media):
    data = media.npz()
    sha256 = hashlib.sha256(data).hexdigest()
    assert not client.has_blob(sha256)
    assert client.put_blob(data, "application/x-npz") == sha256
    assert client.has_blob(sha256)
    assert client.get_blob(sha256) == data


def test_a_label_travels_from_the_screen_to_the_trainer(client, labeler, media):
    (comparison,) = upload_pair(client, media)
    (row,) = labeler.claim(client.experiment)
    left = client.get_blob(row["left"]["mp4"].split("/")[2].split(".")[0])
    assert labeler.answer(row["assignment"], "left").status_code == 201
    (event,) = client.labels(0).events
    shown_left = Preference.LEFT if left == media.mp4(b"0") else Preference.RIGHT
    assert (event.comparison, event.preference, event.trains) == (comparison.id, shown_left, True)
    assert event.label.preference is shown_left
    assert (event.left, event.right) == (comparison.left, comparison.right)
    assert [e.seq for e in client.all_labels()] == [1]
    assert dict(client.clips()).keys() == {comparison.left, comparison.right}


def test_the_long_poll_answers_as_soon_as_somebody_does(client, labeler, media):
    upload_pair(client, media)
    (row,) = labeler.claim(client.experiment)
    threading.Timer(0.5, lambda: labeler.answer(row["assignment"], "tie")).start()
    start = time.monotonic()
    page = client.labels(0, wait_s=20)
    assert page.events[0].preference is Preference.TIE
    assert time.monotonic() - start < 10


def test_an_empty_long_poll_comes_back_empty(client):
    assert client.labels(0, wait_s=0.2).events == ()


def test_curves_videos_heartbeat_and_cancel(client, media):
    client.metrics([MetricPoint("true_return", 1, 1.0, 2.0), MetricPoint("true_return", 2, 1.0, float("nan"))])
    client.video(10, client.put_blob(media.mp4(b"agent"), "video/mp4"))
    assert client.heartbeat("training", 10, 5.0).paused is False
    assert client.heartbeat("training", 10, notice="x" * 600).paused is False
    (comparison,) = upload_pair(client, media)
    assert client.cancel([comparison.id]) == [comparison.id]


def test_predictions_go_in_requests_that_the_server_takes(client, media):
    rows = upload_pair(client, media, count=70)
    curve = tuple(0.123456789 * i for i in range(2000))
    client.predictions([Prediction(row.id, 10, 0.7, curve, curve) for row in rows])
    client.predictions([Prediction(rows[0].id, 20, 0.7, (float("nan"),), (1.0,))])
    with pytest.raises(ServerRefused, match=r"409.*ask comparison"):
        client.predictions([Prediction(str(uuid.uuid4()), 10, 0.7, (1.0,), (1.0,))])


def test_a_wrong_token_is_said_clearly(server):
    with (
        FeedbackClient(server.url, "rlt_wrong", "x") as client,
        pytest.raises(ServerRefused, match=r"401.*valid token"),
    ):
        client.state()


def test_a_server_that_is_gone_is_said_clearly():
    dead = FeedbackClient("http://127.0.0.1:9", "rlt_x", "x")
    with dead as client, pytest.raises(ServerAway, match=r"cannot be reached.*rl-teacher serve"):
        client.state()


def test_both_are_server_faults():
    assert issubclass(ServerAway, ServerFault)
    assert issubclass(ServerRefused, ServerFault)
