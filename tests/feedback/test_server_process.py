"""The whole server as a process: dispatcher, media, events, commands, and kill -9 under load."""

import hashlib
import io
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from rl_teacher.client.api import FeedbackClient, ServerFault
from rl_teacher.client.embedded import EmbeddedServer, start_or_attach
from rl_teacher.client.messages import ClipSpec, ExperimentSpec
from rl_teacher.records import Comparison

ROOT = Path(__file__).parents[2]
SPEC = ExperimentSpec("ShortHopper-v1", {"seed": 1}, "hash", 100_000)


def quiet(line):
    pass


def command(*args, env=None, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "rl_teacher.feedback", *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def mp4(content):
    boxes = [(b"ftyp", b"isom\x00\x00\x02\x00isomiso2"), (b"moov", b""), (b"mdat", content)]
    return b"".join(struct.pack(">I4s", 8 + len(body), name) + body for name, body in boxes)


VIDEO = mp4(bytes(range(256)) * 40)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data):
    with start_or_attach(data, port=0, say=quiet) as found:
        yield found


@pytest.fixture(scope="module")
def client(server):
    with FeedbackClient(server.url, server.token, "run") as found:
        found.ensure_experiment(SPEC)
        yield found


@pytest.fixture(scope="module")
def media_url(client):
    sha = client.put_blob(VIDEO, "video/mp4")
    return client._call("GET", f"/blobs/{sha}").headers["location"]


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server.url, timeout=10, trust_env=False) as found:
        yield found


@pytest.fixture(scope="module")
def browser(server):
    with httpx.Client(base_url=server.url, timeout=10, trust_env=False) as found:
        sign_in(found, server.lines)
        yield found


def sign_in(http, lines):
    (link,) = [line.split(": ", 1)[1] for line in lines if "enter#" in line]
    page = http.get("/enter").text
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    done = http.post(
        "/enter",
        data={"token": link.split("#")[1], "csrfmiddlewaretoken": token},
        headers={"Accept": "application/json"},
    )
    done.raise_for_status()
    http.headers["X-CSRFToken"] = http.get("/api/v1/me").json()["csrf_token"]


# --- dispatcher


def test_foreign_hosts_are_refused_everywhere(http, media_url, server):
    for path in ("/", "/healthz", "/static/x", media_url, "/api/v1/me"):
        assert http.get(path, headers={"Host": "evil.example"}).status_code == 400
    port = server.url.rsplit(":", 1)[1]
    assert http.get("/healthz", headers={"Host": f"localhost:{port}"}).status_code == 200


def test_bodies_are_bounded_by_length_and_by_counting(http, server):
    big = b"x" * (1024 * 1024 + 1)
    refused = http.post("/login", content=big)
    assert (refused.status_code, refused.json()["type"]) == (413, "/problems/too-large")
    assert http.post("/login", content=iter([big])).status_code == 413


def test_uploads_need_a_token_before_they_are_read(http):
    refused = http.put(f"/api/v1/experiments/run/blobs/{'0' * 64}", content=b"x" * 3_000_000)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/not-signed-in")


def test_uploads_above_what_django_keeps_in_memory_work(client):
    file = io.BytesIO()
    np.savez(file, obs=np.random.default_rng(0).random((1000, 500)), actions=np.zeros((1000, 1)))
    data = file.getvalue()
    assert len(data) > 3_000_000
    assert client.get_blob(client.put_blob(data, "application/x-npz")) == data


def test_every_answer_has_the_security_headers_once(http, browser, media_url):
    for path in ("/login", "/healthz", "/api/v1/me", "/nothing"):
        headers = http.get(path).headers
        for name in (
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
            "cross-origin-opener-policy",
        ):
            assert len(headers.get_list(name)) == 1, (path, name)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "server" not in headers
    assert browser.get("/").headers["cache-control"].startswith("max-age=0")


def test_static_files_never_change_under_their_address(browser, http):
    page = browser.get("/").text
    path = page.split('href="/static/')[1].split('"')[0]
    found = http.get(f"/static/{path}")
    assert found.status_code == 200
    assert "immutable" in found.headers["cache-control"]
    assert http.get("/static/" + path.split("/")[0] + "/../../settings.py").status_code == 404
    assert http.get("/static/" + path.split("/")[0] + "/%2e%2e/%2e%2e/settings.py").status_code == 404


def test_cookies_carry_the_port_and_are_http_only(server):
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        cookies = http.get("/login").headers.get_list("set-cookie")
    port = server.url.rsplit(":", 1)[1]
    assert cookies
    assert all(f"_{port}=" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


# --- media


def test_media_ranges(http, media_url):
    whole = http.get(media_url)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, VIDEO, "video/mp4")
    for name, value in {
        "cache-control": "immutable",
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
    }.items():
        assert value in whole.headers[name]
    part = http.get(media_url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (
        206,
        VIDEO[10:20],
        f"bytes 10-19/{len(VIDEO)}",
    )
    assert http.get(media_url, headers={"Range": f"bytes={len(VIDEO)}-"}).status_code == 416
    same = {"Range": "bytes=0-3", "If-Range": whole.headers["etag"]}
    assert http.get(media_url, headers=same).status_code == 206
    assert http.get(media_url, headers=same | {"If-Range": '"other"'}).status_code == 200
    head = http.head(media_url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(VIDEO)))


def test_forged_and_expired_addresses_are_refused(http, media_url):
    name, query = media_url.split("?")
    fields = dict(part.split("=", 1) for part in query.split("&"))
    for field, value in {"x": "2", "u": "t99", "e": str(int(fields["e"]) + 3600), "s": "A" * 43}.items():
        changed = "&".join(f"{k}={value if k == field else v}" for k, v in fields.items())
        assert http.get(f"{name}?{changed}").status_code == 403, field
    assert http.get(name).status_code == 403
    assert http.get(media_url.replace(".mp4", ".webm")).status_code == 403
    for path in (
        "/media/../db.sqlite3",
        "/media/%2e%2e%2fdb.sqlite3",
        "/media/x.mp4",
        f"/media/{'0' * 64}.exe",
        "/media/",
    ):
        assert http.get(path).status_code == 404, path
    assert http.post(media_url).status_code in (404, 405)


# --- live events


def test_events_stream_what_changes(browser, client):
    with browser.stream("GET", "/api/v1/experiments/run/events") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        lines, seen = stream.iter_lines(), []
        while "event: series" not in seen:
            seen.append(next(lines))
        client.heartbeat("waiting", 77)
        start = time.monotonic()
        for line in lines:
            if line.startswith("data:") and '"step": 77' in line:
                break
        assert time.monotonic() - start < 8


def test_series_have_an_etag(browser, client):
    from rl_teacher.client.api import MetricPoint

    client.metrics([MetricPoint("true_return", 1, 1.0, 2.0)])
    first = browser.get("/api/v1/experiments/run/series?names=true_return")
    assert first.json()["series"]["true_return"] == {"step": [1], "t": [1.0], "value": [2.0]}
    again = browser.get(
        "/api/v1/experiments/run/series?names=true_return", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    later = browser.get(f"/api/v1/experiments/run/series?names=true_return&since={first.json()['cursor']}")
    assert later.json()["series"] == {}


# --- commands


def test_a_second_start_attaches(server, data):
    done = command("serve", "--data-dir", data, "--port", "0")
    assert server.url in done.stdout
    assert "already" in done.stdout


def test_login_url_makes_a_fresh_link(server, data):
    link = command("login-url", "--data-dir", data).stdout.strip()
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        sign_in(http, [f"x: {link}"])
        assert http.get("/").status_code == 200


def test_tokens_are_made_listed_and_revoked(server, data, client):
    text = command("token", "--data-dir", data, "create", "laptop", "--experiment", "run").stdout.strip()
    with FeedbackClient(server.url, text, "run") as other:
        assert other.state().labels_wanted == 100_000
        assert "laptop" in command("token", "--data-dir", data, "list").stdout
        assert text not in command("token", "--data-dir", data, "list").stdout
        command("token", "--data-dir", data, "revoke", text[:10])
        with pytest.raises(ServerFault, match="401"):
            other.state()


def test_manage_passes_on_to_django(data, server):
    assert "no issues" in command("manage", "--data-dir", data, "check").stdout


def test_mistakes_are_one_line_and_exit_code_2(tmp_path, server):
    port = server.url.rsplit(":", 1)[1]
    taken = command("serve", "--data-dir", tmp_path, "--port", port, check=False)
    assert taken.returncode == 2
    assert f"127.0.0.1:{port}" in taken.stderr
    assert len(taken.stderr.strip().splitlines()) == 1
    opened = command("serve", "--data-dir", tmp_path, "--port", "0", "--host", "0.0.0.0", check=False)
    assert (opened.returncode, "password" in opened.stderr) == (2, True)


def test_no_secret_reaches_the_log(server, data, http, client):
    http.get("/join/some-secret-code")
    http.get("/api/v1/me", headers={"Authorization": "Bearer rlt_guess"})
    log = (data / "server.log").read_text()
    for secret in (server.token, "some-secret-code", "rlt_guess", "enter#"):
        assert secret not in log


def test_a_stopped_server_leaves_a_mirror_and_a_whole_database(tmp_path):
    with start_or_attach(tmp_path, port=0, say=quiet) as server:
        crowd = Crowd(server, pairs=20)
        crowd.work(1, seconds=0.5)
        crowd.close()
    lines = [json.loads(line) for line in (tmp_path / "mirror" / "load.jsonl").read_text().splitlines()]
    assert {line["response"] for line in lines} == crowd.acknowledged
    assert database_is_whole(tmp_path)


# --- kill -9


class Crowd:
    """Labelers that answer as fast as they can and remember every acknowledged answer."""

    def __init__(self, server: EmbeddedServer, pairs: int, slug: str = "load") -> None:
        self.slug, self.acknowledged, self.errors = slug, set(), []
        self.https = []
        self.join(server)
        with FeedbackClient(server.url, server.token, slug) as client:
            client.ensure_experiment(SPEC)
            fill(client, pairs)

    def join(self, server: EmbeddedServer) -> None:
        self.url = server.url
        self.link = next(line for line in server.lines if "enter#" in line)
        if not self.https:
            http = httpx.Client(base_url=self.url, timeout=10, trust_env=False)
            sign_in(http, [self.link])
            self.https.append(http)
        self.https[0].base_url = self.url

    def work(self, num_threads: int, seconds: float, stop=None) -> None:
        stop = stop or threading.Event()
        timer = threading.Timer(seconds, stop.set)
        timer.start()
        with ThreadPoolExecutor(num_threads) as pool:
            for done in [pool.submit(self._label, stop) for _ in range(num_threads)]:
                done.result()
        timer.cancel()

    def _label(self, stop) -> None:
        http, tab, held = self.https[0], str(uuid.uuid4()), []
        pending = None
        while not stop.is_set():
            try:
                if pending is None:
                    if not held:
                        body = {"want": 3, "have": [], "tab": tab}
                        claimed = http.post(f"/api/v1/experiments/{self.slug}/queue:claim", json=body)
                        claimed.raise_for_status()
                        held = [row["assignment"] for row in claimed.json()["assignments"]]
                        if not held:
                            return
                    pending = (str(uuid.uuid4()), held.pop(0))
                body = {
                    "answer": {"assignment": pending[1], "side": "left"},
                    "refill": {"want": 1, "have": held, "tab": tab},
                }
                taken = http.put(f"/api/v1/responses/{pending[0]}", json=body)
                taken.raise_for_status()
                self.acknowledged.add(pending[0])
                held += [row["assignment"] for row in taken.json()["refill"]]
                pending = None
            except httpx.HTTPError as error:
                if isinstance(error, httpx.HTTPStatusError):
                    self.errors.append(error)
                    return
                return  # killed: the caller starts the server again

    def close(self) -> None:
        for http in self.https:
            http.close()


def fill(client, pairs):
    file = io.BytesIO()
    np.savez(file, obs=np.zeros((5, 3)), actions=np.zeros((5, 1)))
    arrays = client.put_blob(file.getvalue(), "application/x-npz")
    ids = []
    for i in range(2):
        ids.append(str(uuid.uuid4()))
        video = client.put_blob(mp4(b"%d" % i), "video/mp4")
        client.put_clip(ids[-1], ClipSpec(mp4=video, arrays=arrays, fps=20, n_frames=30, width=64, height=64, step=1))
    client.create_comparisons([Comparison(str(uuid.uuid4()), *ids, 1) for _ in range(pairs)])


def database_is_whole(data):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(data / "db.sqlite3")) as file:
        return (
            file.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            and not file.execute("PRAGMA foreign_key_check").fetchall()
        )


def kill_again_and_again(data, kills, pairs_each, seed=1):
    rng = random.Random(seed)
    crowd = None
    for number in range(kills):
        server = start_or_attach(data, port=0, say=quiet, timeout_s=300)
        if crowd is None:
            crowd = Crowd(server, pairs_each)
        else:
            crowd.join(server)
            crowd.https[0].close()
            crowd.https[0] = httpx.Client(base_url=crowd.url, timeout=10, trust_env=False)
            sign_in(crowd.https[0], [crowd.link])
            with FeedbackClient(server.url, server.token, "load") as client:
                fill(client, pairs_each)
        threading.Timer(rng.uniform(0.05, 0.8), os.killpg, (server.process.pid, signal.SIGKILL)).start()
        crowd.work(4, seconds=5)
        server.process.wait()
        assert database_is_whole(data), f"after kill {number}"
    assert crowd.errors == []
    with start_or_attach(data, port=0, say=quiet) as server, FeedbackClient(server.url, server.token, "load") as client:
        events = list(client.all_labels())
    crowd.close()
    stored = [event.seq for event in events]
    assert stored == list(range(1, len(stored) + 1))
    assert len({event.assignment for event in events}) == len(events)
    responses = feed_responses(data)
    missing = crowd.acknowledged - set(responses)
    assert not missing, f"{len(missing)} of {len(crowd.acknowledged)} acknowledged answers are gone"
    assert len(set(responses)) == len(responses)
    return len(crowd.acknowledged)


def feed_responses(data):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(data / "db.sqlite3")) as file:
        return [str(uuid.UUID(row[0])) for row in file.execute("SELECT response_id FROM label_event")]


def test_two_kills_lose_nothing(tmp_path):
    assert kill_again_and_again(tmp_path, kills=2, pairs_each=200) > 0


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing(tmp_path):
    count = kill_again_and_again(tmp_path, kills=100, pairs_each=200)
    print(f"{count} acknowledged answers, 100 kills, none lost")
    assert count > 1000


# --- the data folder


def test_network_disks_are_refused():
    from rl_teacher.feedback.data_folder import refuse_network_disk

    mounts = "/dev/sda1 / ext4 rw 0 0\nhost:/home /home nfs4 rw 0 0\n/dev/sdb /home/local ext4 rw 0 0\n"
    with pytest.raises(ServerFault, match=r"/home/ann.*nfs4.*--data-dir"):
        refuse_network_disk(Path("/home/ann/x"), mounts)
    refuse_network_disk(Path("/home/local/x"), mounts)
    refuse_network_disk(Path("/tmp/x"), mounts)


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "TRUNCATE"),
        ((3, 44, 5), "TRUNCATE"),
        ((3, 44, 6), "WAL"),
        ((3, 45, 9), "TRUNCATE"),
        ((3, 50, 6), "TRUNCATE"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 2), "TRUNCATE"),
        ((3, 51, 3), "WAL"),
        ((3, 52, 0), "TRUNCATE"),
        ((3, 53, 0), "WAL"),
    ],
)
def test_wal_only_where_sqlite_is_safe(version, mode):
    from rl_teacher.feedback.settings import safe_journal_mode

    assert safe_journal_mode(version) == mode


def test_the_hash_of_a_blob_is_its_name(data, client):
    sha = client.put_blob(VIDEO, "video/mp4")
    stored = data / "blobs" / sha[:2] / sha[2:4] / sha
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == sha
