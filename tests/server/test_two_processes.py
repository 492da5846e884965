"""Several server processes on one PostgreSQL: what one does the others know, and one that is killed loses nothing."""

import os
import signal
import statistics
import threading
import time

import httpx
import psycopg
import pytest

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.server.transactions.feed import LOOK_EVERY_S
from tests.server.crowd import SPEC, fill, sign_in
from tests.server.databases import own_postgres
from tests.server.labelers import SLUG, Labeler, invite_guests, work_for
from tests.server.processes import Serving

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def database():
    with own_postgres() as url:
        yield url


@pytest.fixture(scope="module")
def pair(database, tmp_path_factory):
    """Two that start at the same moment on an empty database, each with a folder of its own."""
    folders = [tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")]
    one, two = (Serving(folder, "--database-url", database) for folder in folders)
    with one, two:
        yield one, two


@pytest.fixture(scope="module")
def owner(pair):
    """The owner, signed in at the first of them."""
    one, _ = pair
    with FeedbackClient(one.url, one.token, SLUG) as client:
        client.ensure_experiment(SPEC)
        fill(client, 1500)
    with httpx.Client(base_url=one.url, timeout=20, trust_env=False) as http:
        sign_in(http, one.lines)
        yield http


@pytest.fixture(scope="module")
def labelers(pair, owner):
    """Twelve, half of them at each process."""
    urls = [one.url for one in pair]
    code = invite_guests(owner, 12)
    found = [Labeler(urls if number % 2 else urls[::-1], code) for number in range(12)]
    yield found
    for one in found:
        one.http.close()


def events(at):
    found, head = [], {"Authorization": f"Bearer {at.token}"}
    while True:
        query = f"after={len(found)}&limit=1000"
        page = httpx.get(f"{at.url}/api/v1/experiments/{SLUG}/labels?{query}", headers=head, trust_env=False).json()
        found += page["events"]
        if not page["events"]:
            return found


def check_feed(found, labelers):
    """No gap, nothing twice, and every acknowledged answer."""
    assert [event["seq"] for event in found] == list(range(1, len(found) + 1))
    told = [event["response"] for event in found]
    assert len(set(told)) == len(told)
    acknowledged = {response for one in labelers for response in one.acknowledged}
    assert acknowledged - set(told) == set()
    assert [line for one in labelers for line in one.refused] == []
    return acknowledged


def check_slots(database):
    """No pair has two live assignments on one slot, and every comparison counts what is answered."""
    with psycopg.connect(database) as own:
        twice = own.execute(
            "SELECT comparison_id, slot FROM assignment WHERE state IN ('leased', 'answered') AND kind = 'normal' "
            "GROUP BY comparison_id, slot HAVING count(*) > 1"
        ).fetchall()
        off = own.execute(
            "SELECT c.id FROM comparison c LEFT JOIN assignment a ON a.comparison_id = c.id AND a.kind = 'normal' "
            "AND a.state IN ('leased', 'answered') GROUP BY c.id HAVING c.open_slots <> c.wanted - count(a.id)"
        ).fetchall()
    assert (twice, off) == ([], [])


def test_twelve_labelers_leave_no_gap_and_no_pair_is_lent_twice(pair, labelers, database):
    work_for(labelers, seconds=6)
    told = [events(one) for one in pair]
    assert told[0] == told[1]
    acknowledged = check_feed(told[0], labelers)
    check_slots(database)
    answers = [second for one in labelers for second in one.answer_s]
    print(f"\n{len(acknowledged)} answers, p50 {1000 * statistics.median(answers):.0f} ms")
    assert all(one.acknowledged for one in labelers)


def test_an_answer_at_one_process_wakes_a_feed_that_waits_at_the_other(pair, labelers):
    """Sooner than by looking, which happens every LOOK_EVERY_S."""
    took = []
    for number in range(6):
        here, there = pair[number % 2], pair[1 - number % 2]
        one = labelers[number]
        one.urls = [here.url, there.url]
        with FeedbackClient(there.url, there.token, SLUG) as client:
            head, got = client.state().head, {}

            def listen(client=client, head=head, got=got):
                got["page"], got["at"] = client.labels(head, wait_s=10), time.monotonic()

            thread = threading.Thread(target=listen)
            thread.start()
            time.sleep(0.5)
            claimed = one.call(
                "POST",
                f"/api/v1/experiments/{SLUG}/queue:claim",
                {"want": 1, "have": [], "tab": one.tab},
                threading.Event(),
            )
            assert one.answer(claimed["assignments"][0]["assignment"], threading.Event())
            at = time.monotonic()
            thread.join()
        assert [event.assignment for event in got["page"].events] == [list(one.acknowledged.values())[-1]]
        took.append(got["at"] - at)
    print("\nfeed across processes:", ", ".join(f"{1000 * second:.0f} ms" for second in took))
    assert statistics.median(took) < LOOK_EVERY_S / 5


def test_a_session_and_the_form_tokens_of_one_process_hold_at_the_other(pair, owner):
    _, two = pair
    with httpx.Client(base_url=two.url, cookies=owner.cookies, timeout=20, trust_env=False) as http:
        me = http.get("/api/v1/me")
        assert me.status_code == 200
        made = http.post(f"/api/v1/experiments/{SLUG}/exports", headers={"X-CSRFToken": me.json()["csrf_token"]})
        assert made.status_code == 202
        assert http.get(f"/e/{SLUG}").status_code == 200


def test_trainer_tokens_of_both_hold_at_both_also_after_one_started_again(pair, owner, database):
    one, two = pair
    with Serving(two.data_dir.with_name("c"), "--database-url", database) as third:
        tokens = [third.token, one.token, two.token]
        assert len(set(tokens)) == 3
        for at in (one, two, third):
            for token in tokens:
                with FeedbackClient(at.url, token, SLUG) as client:
                    assert client.state().head >= 0


def test_what_a_process_has_signed_the_other_believes(pair, owner):
    """The address of a clip; the bytes are in the folder of the one that got them."""
    one, two = pair
    head = {"Authorization": f"Bearer {one.token}"}
    clips = httpx.get(f"{one.url}/api/v1/experiments/{SLUG}/clips", headers=head, trust_env=False).json()["clips"]
    path = f"/api/v1/experiments/{SLUG}/blobs/{clips[0]['mp4']}"
    address = httpx.get(two.url + path, headers=head, trust_env=False).headers["location"]
    assert httpx.get(one.url + address, trust_env=False).status_code == 200
    assert httpx.get(two.url + address, trust_env=False).status_code == 404


def test_wrong_passwords_count_at_all_processes_together(pair, owner):
    def attempt(at):
        with httpx.Client(base_url=at.url, timeout=20, trust_env=False) as http:
            page = http.get("/login").text
            token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
            form = {"username": "somebody", "password": "wrong", "csrfmiddlewaretoken": token}
            return http.post("/login", data=form).status_code

    assert [attempt(pair[number % 2]) for number in range(10)] == [403] * 10
    assert {attempt(one) for one in pair} == {429}


def test_one_is_killed_and_the_other_goes_on(database, labelers, pair, owner, tmp_path):
    _, two = pair
    with Serving(tmp_path, "--database-url", database) as third:
        for number, labeler in enumerate(labelers):
            labeler.urls = [[third, two][number % 2].url, [third, two][1 - number % 2].url]
        before = sum(len(labeler.acknowledged) for labeler in labelers)

        def kill():
            time.sleep(2)
            os.kill(third.process.pid, signal.SIGKILL)

        work_for(labelers, seconds=6, during=kill)
        assert third.process.wait() == -signal.SIGKILL
    assert any(labeler.away for labeler in labelers)
    acknowledged = check_feed(events(two), labelers)
    check_slots(database)
    assert len(acknowledged) > before


def test_a_restarted_database_costs_seconds_and_no_answer(database, labelers, pair):
    """All lines are cut, those of LISTEN and of the leader too; they come back."""
    one, _ = pair
    for number, labeler in enumerate(labelers):
        labeler.urls = [pair[number % 2].url, pair[1 - number % 2].url]

    def cut():
        time.sleep(1)
        with psycopg.connect(database, autocommit=True) as own:
            own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    work_for(labelers, seconds=4, during=cut)
    check_feed(events(one), labelers)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and listeners(database) < 2:
        time.sleep(0.1)
    assert listeners(database) == 2
    test_an_answer_at_one_process_wakes_a_feed_that_waits_at_the_other(pair, labelers)


def listeners(database):
    with psycopg.connect(database) as own:
        return own.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rl-teacher listen'"
        ).fetchone()[0]


def test_one_process_of_all_writes_the_journal_and_another_takes_over(database, pair, owner, labelers, tmp_path):
    """Whoever leads has every answer in its folder; when it goes, the next one catches up from the database."""

    def leading():
        with psycopg.connect(database) as own:
            rows = own.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchall()
        return [row[0] for row in rows]

    assert len(leading()) == 1
    deadline, newest = time.monotonic() + 60, len(events(pair[0]))

    def journal_is_whole():
        paths = [one.data_dir / "mirror" / f"{SLUG}.jsonl" for one in pair]
        return any(path.exists() and len(path.read_text().splitlines()) == newest for path in paths)

    while time.monotonic() < deadline and not journal_is_whole():
        time.sleep(0.2)
    assert journal_is_whole()
    with psycopg.connect(database, autocommit=True) as own:
        own.execute("SELECT pg_terminate_backend(%s)", leading())
    while time.monotonic() < deadline and len(leading()) != 1:
        time.sleep(0.1)
    assert len(leading()) == 1


def test_workers_share_a_port_and_a_killed_one_is_replaced(database, tmp_path):
    with Serving(tmp_path, "--database-url", database, "--workers", "2") as both:
        with FeedbackClient(both.url, both.token, SLUG) as client:
            client.ensure_experiment(SPEC)
            fill(client, 300)
        before = both.children()
        assert len(before) == 2
        with httpx.Client(base_url=both.url, timeout=20, trust_env=False) as http:
            sign_in(http, both.lines)
            labelers = [Labeler([both.url], invite_guests(http, 1)) for _ in range(4)]

        def kill():
            for pid in before:
                time.sleep(2)
                os.kill(pid, signal.SIGKILL)

        work_for(labelers, seconds=12, during=kill)
        after = both.children()
        assert len(after) == 2
        assert set(after).isdisjoint(before)
        check_feed(events(both), labelers)
        check_slots(database)
        for labeler in labelers:
            labeler.http.close()
    assert both.process.returncode == 0
    assert not any("Traceback" in line for line in both.lines), both.lines


def test_the_processes_end_when_the_first_one_is_killed(database, tmp_path):
    with Serving(tmp_path, "--database-url", database, "--workers", "2") as both:
        children = both.children()
        os.kill(both.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and any(os.path.exists(f"/proc/{pid}/exe") for pid in children):
            time.sleep(0.1)
        assert not any(os.path.exists(f"/proc/{pid}/exe") for pid in children)


def test_migrate_only_brings_an_empty_database_up_to_date(database, tmp_path):
    with psycopg.connect(database, autocommit=True) as own:
        own.execute("CREATE DATABASE empty")
    url = database.rpartition("/")[0] + "/empty"
    jobs = [Serving(tmp_path / str(number), "--database-url", url, "--migrate-only") for number in range(2)]
    counts = []
    for job in jobs:
        assert job.process.wait(60) == 0, job.lines
        time.sleep(0.2)
        (line,) = [line for line in job.lines if "up to date:" in line]
        counts.append(int(line.split(": ")[1].split()[0]))
    assert sorted(counts)[0] == 0
    assert sorted(counts)[1] > 20
