"""What waits on disk goes out in order, whatever dies in between."""

import subprocess
import sys
import time
import uuid

import pytest

from rl_teacher.errors import ServerFault
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.messages import MetricPoint, Prediction
from rl_teacher.people.client.outbox import Outbox, backoff_s
from rl_teacher.records import Comparison

import hashlib  # isort: skip


def sha(data):
    return hashlib.sha256(data).hexdigest()


def put_pair(outbox, media, name=b""):
    arrays = media.npz()
    outbox.put_blob(sha(arrays), arrays, "application/x-npz")
    ids = []
    for i in range(2):
        video = media.mp4(name + str(i).encode())
        outbox.put_blob(sha(video), video, "video/mp4")
        ids.append(str(uuid.uuid4()))
        outbox.put_clip(ids[-1], media.clip(sha(video), sha(arrays)))
    row = Comparison(str(uuid.uuid4()), ids[0], ids[1], 5)
    outbox.put_comparisons([row])
    return row


def test_everything_arrives_in_order(client, media, tmp_path):
    outbox = Outbox(tmp_path, client)
    row = put_pair(outbox, media)
    outbox.put_metrics([MetricPoint("x", 1, 1.0, 1.0)])
    outbox.put_predictions([Prediction(row.id, 5, 0.75, (0.5, 1.0), (0.25,))])
    assert outbox.num_waiting == 8
    outbox.start()
    assert outbox.flush(20)
    assert list(tmp_path.glob("*.item")) == []
    assert outbox.num_refused == 0
    assert client.cancel([row.id]) == [row.id]
    outbox.close()


def test_what_waited_goes_out_after_a_restart(client, media, tmp_path):
    gone = FeedbackClient("http://127.0.0.1:9", "rlt_x", client.experiment)
    first = Outbox(tmp_path, gone)
    row = put_pair(first, media)
    first.start()
    deadline = time.monotonic() + 10
    while not first.last_error and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "cannot be reached" in first.last_error
    first.close()
    (tmp_path / ".000000000099-blob.item.new").write_bytes(b"half")
    second = Outbox(tmp_path, client)
    assert second.num_waiting == 6
    second.start()
    assert second.flush(20)
    second.close()
    assert client.cancel([row.id]) == [row.id]


def test_what_the_server_refuses_is_set_aside_with_the_reason(client, media, tmp_path):
    outbox = Outbox(tmp_path, client)
    bad = b"not a video"
    outbox.put_blob(sha(bad), bad, "video/mp4")
    good = put_pair(outbox, media)
    outbox.start()
    assert outbox.flush(20)
    outbox.close()
    assert outbox.num_refused == 1
    assert "bad-media" in (reason := next((tmp_path / "refused").glob("*.txt")).read_text()) or "422" in reason
    assert client.cancel([good.id]) == [good.id]


@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"[]\n", b'{"kind": "clip"}\n', b'{"kind": "dance"}\n', b'{"kind": "video", "step": "x"}\n']
)
def test_an_item_that_nobody_can_read_is_set_aside_and_the_rest_goes_out(client, tmp_path, damaged):
    outbox = Outbox(tmp_path, client)
    outbox.put_metrics([MetricPoint("x", 1, 1.0, 1.0)])
    (tmp_path / "000000000000-clip.item").write_bytes(damaged)
    (tmp_path / "notes.item").write_bytes(b"of somebody else")
    again = Outbox(tmp_path, client)
    again.start()
    assert again.flush(20)
    again.close()
    assert again.num_refused == 1
    assert (tmp_path / "refused" / "000000000000-clip.item").read_bytes() == damaged
    assert "no item that this version can send" in (tmp_path / "refused" / "000000000000-clip.txt").read_text()
    assert [path.name for path in tmp_path.glob("*.item")] == ["notes.item"]


def test_a_full_outbox_takes_nothing_more(client, tmp_path):
    outbox = Outbox(tmp_path, client, max_bytes=1000)
    outbox.put_blob("0" * 64, b"x" * 500, "video/mp4")
    assert not outbox.has_room(600)
    with pytest.raises(ServerFault, match="at most 1,000"):
        outbox.put_blob("0" * 64, b"x" * 600, "video/mp4")


def test_the_wait_grows_and_is_bounded():
    waits = [backoff_s(n) for n in (1, 3, 50)]
    assert 0.25 <= waits[0] <= 0.5
    assert 1.0 <= waits[1] <= 2.0
    assert 15 <= waits[2] <= 30


KILLED = """
import hashlib, sys
from pathlib import Path
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]), FeedbackClient("http://127.0.0.1:9", "rlt_x", "x"))
outbox.start()
for number in range(10**6):
    data = b"%d" % number
    outbox.put_blob(hashlib.sha256(data).hexdigest(), data, "video/mp4")
    print(number, flush=True)
"""


def test_what_was_put_survives_kill_9(client, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    last = -1
    with process.stdout as lines:
        for line in lines:
            last = int(line)
            if last >= 20:
                process.kill()
                break
        last = max([last, *(int(line) for line in lines)])
    process.wait()
    outbox = Outbox(tmp_path, client)
    assert outbox.num_waiting >= last + 1
