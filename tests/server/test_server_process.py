"""The whole server as a process: dispatcher, media, events, commands."""

import hashlib
import io
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from rl_teacher.people.client.api import FeedbackClient, ServerFault
from rl_teacher.people.client.embedded import start_or_attach
from tests.server.crowd import SPEC, mp4, quiet, sign_in

ROOT = Path(__file__).parents[2]


def command(*args, env=None, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "rl_teacher.server", *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
    )
    assert not check or done.returncode == 0, done.stderr
    return done


VIDEO = mp4(bytes(range(256)) * 40)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data):
    with start_or_attach(data, port=0, log=quiet) as found:
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


# --- dispatcher


def test_foreign_hosts_are_refused_everywhere(http, media_url, server):
    for path in ("/", "/healthz", "/static/x", media_url, "/api/v1/me"):
        assert http.get(path, headers={"Host": "evil.example"}).status_code == 400
    port = server.url.rsplit(":", 1)[1]
    assert http.get("/healthz", headers={"Host": f"localhost:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "127.0.0.1.evil.example", "localhost:8000@evil.example", "localhost:port", "localhost:8000:1",
        "local_host", "[::1", "[::1]x", "a b", "", "localhost, evil.example", "löcalhost", "%00", "*", "x" * 5000,
    ],
)  # fmt: skip
def test_a_foreign_host_is_told_how_to_become_known_and_leaves_nothing_in_the_log(http, data, host):
    before = (data / "server.log").read_text()
    for path in ("/", "/login", "/nothing", "/api/v1/me", "/admin/"):
        refused = http.get(path, headers={"Host": host.encode("latin-1")})
        assert refused.status_code == 400
        assert "Host header" in refused.json()["detail"]
    if host == "evil.example":
        assert "--allowed-host evil.example" in refused.json()["detail"]
    assert (data / "server.log").read_text() == before


def test_two_hosts_are_refused_and_a_name_is_a_name_in_any_case(server, data):
    before = (data / "server.log").read_text()
    port = server.url.rsplit(":", 1)[1]
    hosts = {
        f"Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}": b" 400 ",
        "Host: localhost\r\nHost: evil": b" 400 ",
        f"Host: LocalHost:{port}": b" 302 ",
        "Host: localhost.": b" 302 ",
        f"Host: [::1]:{port}": b" 302 ",
    }
    for lines, status in hosts.items():
        with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as line:
            line.sendall(f"GET / HTTP/1.1\r\n{lines}\r\nConnection: close\r\n\r\n".encode())
            assert status in line.recv(64), lines
    assert (data / "server.log").read_text() == before


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


def test_small_answers_leave_at_once(tmp_path):
    """asyncio switches Nagle's waiting off, 40 ms per answer, for sockets that were made as TCP ones."""
    from rl_teacher.server.serve import _listening

    with _listening("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


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
    from rl_teacher.people.client.api import MetricPoint

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
        address = other._call("GET", f"/blobs/{client.put_blob(VIDEO, 'video/mp4')}").headers["location"]
        assert httpx.get(server.url + address, trust_env=False).status_code == 200
        assert "laptop" in command("token", "--data-dir", data, "list").stdout
        assert text not in command("token", "--data-dir", data, "list").stdout
        command("token", "--data-dir", data, "revoke", text[:10])
        with pytest.raises(ServerFault, match="401"):
            other.state()
    assert httpx.get(server.url + address, trust_env=False).status_code == 403


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


def test_a_damaged_database_is_one_line_for_every_command(tmp_path):
    (tmp_path / "db.sqlite3").write_text("rubbish " * 1000)
    for words in (["serve", "--port", "0"], ["token", "list"], ["export", "one", "--to", str(tmp_path / "out")]):
        done = command(words[0], "--data-dir", tmp_path, *words[1:], check=False)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert done.stderr.startswith("ServerFault: the database cannot be used (file is not a database).")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve", "--port", "99999"], "--port: got 99999, expected 0 to 65535"),
        (["serve", "--allowed-host", "https://lab.example"], "got 'https://lab.example', expected a name alone"),
        (["serve", "--allowed-host", "lab.example:8443"], "got 'lab.example:8443', expected a name alone"),
        (["serve", "--allowed-host", "lab example"], "got 'lab example', expected a name alone"),
        (["token", "create", "x", "--days", "999999999"], "--days: got 999999999, expected 1 to 3650"),
        (["serve", "--database-url", "postgres://u@h:port/x"], "--database-url: Port could not be cast"),
    ],
)
def test_numbers_out_of_range_are_told_and_no_traceback(tmp_path, words, message):
    done = command(words[0], "--data-dir", tmp_path, *words[1:], check=False)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_no_secret_reaches_the_log(server, data, http, client):
    http.get("/join/some-secret-code")
    http.get("/api/v1/me", headers={"Authorization": "Bearer rlt_guess"})
    log = (data / "server.log").read_text()
    for secret in (server.token, "some-secret-code", "rlt_guess", "enter#"):
        assert secret not in log


# --- the data folder


def test_network_disks_are_refused():
    from rl_teacher.server.data_folder import refuse_network_disk

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
    from rl_teacher.server.settings import safe_journal_mode

    assert safe_journal_mode(version) == mode


def test_the_hash_of_a_blob_is_its_name(data, client):
    sha = client.put_blob(VIDEO, "video/mp4")
    stored = data / "blobs" / sha[:2] / sha[2:4] / sha
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == sha
