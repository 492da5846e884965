"""The link for a friend and a phone, from the trainer's terminal to the answer."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import segno
from playwright.sync_api import Page, sync_playwright
from teaching import Teaching

from benchmarks.clicking import CHROMIUM
from benchmarks.clicking import FLAGS as CHROMIUM_FLAGS
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import ConfigError, ServerFault
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import Reach, start_or_attach
from rl_teacher.people.client.messages import ExperimentSpec
from rl_teacher.people.connection import reach_of
from rl_teacher.people.invitation import BORDER, invite, qr_lines
from rl_teacher.server.reach import own_address

in_a_network = pytest.mark.skipif(own_address() is None, reason="this machine has no address that others could reach")
LINK = r"answer here, without an account \(20 people, 7 days\): (\S+)"


def modules(lines: list[str]) -> list[list[int]]:
    """What a terminal shows: 1 for black, two rows of modules in each line."""
    rows: list[list[int]] = []
    for line in lines:
        pairs = re.findall(r"\x1b\[(\d+)m\x1b\[(\d+)m▀", line)
        rows += [[int(top == "30") for top, _ in pairs], [int(bottom == "40") for _, bottom in pairs]]
    return rows


@pytest.mark.parametrize("text", ["http://192.0.2.7:8000/join/" + "a" * 32, "https://a-long-name.example.org/join/x"])
def test_the_code_in_a_terminal_is_the_code_of_the_link_with_a_white_border(text: str) -> None:
    expected = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=BORDER)]
    shown = modules(qr_lines(text))
    assert shown[: len(expected)] == expected
    assert [row for row in shown[len(expected) :] if any(row)] == []  # an odd number of rows ends in white
    assert not any(shown[0])
    assert not any(shown[1])


@in_a_network
def test_others_reach_a_shared_server_by_its_link_and_its_host_check_holds(tmp_path: Path) -> None:
    with start_or_attach(tmp_path, port=0, reach=Reach("0.0.0.0"), log=lambda line: None) as server:
        client = FeedbackClient(server.url, server.token, "hop")
        client.ensure_experiment(ExperimentSpec("ShortHopper-v1", {}, "h", 5))
        said: list[str] = []
        invite(client, server, said.append)
        (url,) = re.findall(LINK, said[0])
        assert url.startswith(f"http://{own_address()}:")
        login = next(line for line in server.lines if "/enter#" in line).rpartition("#")[2]
        assert login not in url
        with httpx.Client(trust_env=False) as friend:
            assert friend.get(url).status_code == 200
            assert "no account" in friend.get(url).text
            assert friend.get(url, headers={"Host": "evil.example"}).status_code == 400
            assert friend.get(url.replace("/join/", "/e/hop/label?")).status_code == 302  # to the login
        second = start_or_attach(tmp_path, port=0, log=lambda line: None)
        invite(client, second, said.append)
        assert re.findall(LINK, said[-1])  # the server that runs already is shared as well
        client.close()


def test_a_server_of_this_machine_alone_invites_nobody(tmp_path: Path) -> None:
    with start_or_attach(tmp_path, port=0, log=lambda line: None) as server:
        client = FeedbackClient(server.url, server.token, "hop")
        client.ensure_experiment(ExperimentSpec("ShortHopper-v1", {}, "h", 5))
        said: list[str] = []
        attached = start_or_attach(tmp_path, port=0, reach=Reach("0.0.0.0"), log=lambda line: None)
        invite(client, attached, said.append)
        assert said == [
            f"No link for others: the server that was running already, at {server.url}, listens to this machine alone: "
            "stop it first."
        ]
        client.close()


def test_behind_a_tunnel_the_link_and_the_login_have_its_address(tmp_path: Path) -> None:
    reach = Reach(public_url="https://teach.example")
    with start_or_attach(tmp_path, port=0, reach=reach, log=lambda line: None) as server:
        client = FeedbackClient(server.url, server.token, "hop")
        client.ensure_experiment(ExperimentSpec("ShortHopper-v1", {}, "h", 5))
        found = client.invite()
        assert found is not None
        assert found.url.startswith("https://teach.example/join/")
        assert any("https://teach.example/enter#" in line for line in server.lines)
        tunnel = {"Host": "teach.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        address = server.url + found.url.removeprefix("https://teach.example")
        with httpx.Client(trust_env=False, headers=tunnel) as friend:
            page = friend.get(address)
            assert page.status_code == 200
            token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
            assert "Secure" in page.headers["set-cookie"]
            sent = {"Cookie": page.headers["set-cookie"].split(";")[0], "Origin": "https://teach.example"}
            sent |= {"Referer": found.url}
            entered = friend.post(address, data={"csrfmiddlewaretoken": token}, headers=sent)
            assert (entered.status_code, entered.headers["location"]) == (303, "/e/hop")
        client.close()


def test_a_port_to_which_a_tunnel_leads_is_not_exchanged_for_another(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerFault, match=f"address 127.0.0.1:{port}: Address already in use"):
            start_or_attach(tmp_path, port=port, reach=Reach(public_url="https://teach.example"), log=lambda line: None)


@pytest.mark.parametrize("words", [{"host": "0.0.0.0"}, {"public_url": "https://teach.example"}])
def test_flags_of_a_server_here_do_not_go_with_a_server_elsewhere(words: dict[str, str]) -> None:
    config = RunConfig(server="https://lab.example", human=RunConfig().human.__class__(**words))
    with pytest.raises(ConfigError, match="a server that is started here, and --server names one"):
        reach_of(config)


def test_addresses_that_cannot_be_are_refused() -> None:
    human = RunConfig().human.__class__
    with pytest.raises(ConfigError, match=r"human\.host: got '192\.0\.2\.1'.*0\.0\.0\.0 \(its whole network\)"):
        human(host="192.0.2.1")
    with pytest.raises(ConfigError, match=r"--human\.public-url: got 'teach\.example', which does not begin with"):
        reach_of(RunConfig(human=human(public_url="teach.example")))


def teach_from_a_phone(link: str) -> list[str]:
    """Answer by the link alone until nothing comes; what the page said meanwhile, and under which name it is open."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        phone: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
        page = browser.new_context(**phone).new_page()
        page.add_init_script("localStorage.setItem('rl-teacher.met', '1')")
        page.goto(link)
        page.tap("main button")
        page.wait_for_url("**/e/people/label")
        seen = answer_all(page, 4)
        browser.close()
    return seen


def answer_all(page: Page, num: int) -> list[str]:
    seen = []
    for _ in range(num):
        page.wait_for_selector('#labeler[data-phase="open"]', timeout=90_000)
        before = page.get_attribute("#pair", "data-assignment")
        page.tap("[data-action=left]")
        page.wait_for_function("b => document.querySelector('#pair').dataset.assignment !== b || "
                               "document.querySelector('#labeler').dataset.phase === 'empty'", arg=before)  # fmt: skip
    page.wait_for_selector('#labeler[data-phase="empty"]')
    seen.append(page.inner_text("#notice-title"))
    page.wait_for_selector('#labeler[data-phase="held"]', timeout=120_000)
    seen.append(page.inner_text("#notice-title"))
    return seen


@in_a_network
@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}; apt-get install chromium")
@pytest.mark.slow
def test_a_friend_with_a_phone_teaches_by_the_printed_link_alone(teaching: Any) -> None:
    run: Teaching = teaching("-e", "ShortReacher-v1", "-L", "4", "-l", "4", "-t", "120000", "--human.host", "0.0.0.0")
    run.start("--human.keep_server")
    link = run.says(LINK)
    with ThreadPoolExecutor(1) as thread:
        said = thread.submit(teach_from_a_phone, link).result()
    summary = run.finish()
    assert summary["labels"] == 4
    assert said == ["The agent has your answers and is learning", "All done, thank you"]
    people = {line["labeler"] for line in run.labels() if line["preference"] != "taken_back"}
    assert people == {"labeler-2"}  # 1 is the owner
