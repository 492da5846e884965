"""Trainer and server on two machines: here two network namespaces, with a cable that is cut for a minute."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CUT_SECONDS = 60.0
SERVER, TRAINER = "10.213.7.1", "10.213.7.2"


def ip(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *words], capture_output=True, text=True)


class TwoMachines:
    """`srv` and `trn`, each with one end of a cable."""

    def __init__(self) -> None:
        tag = f"{os.getpid() % 10000}"
        self.names = {"server": f"srv{tag}", "trainer": f"trn{tag}"}
        self.ends = {"server": f"vs{tag}", "trainer": f"vt{tag}"}

    def build(self) -> bool:
        """Whether it works: it needs root."""
        steps = [("netns", "add", name) for name in self.names.values()]
        steps += [("link", "add", self.ends["server"], "type", "veth", "peer", "name", self.ends["trainer"])]
        for side, address in (("server", SERVER), ("trainer", TRAINER)):
            name, end = self.names[side], self.ends[side]
            steps += [
                ("link", "set", end, "netns", name),
                ("-n", name, "addr", "add", f"{address}/24", "dev", end),
                ("-n", name, "link", "set", end, "up"),
                ("-n", name, "link", "set", "lo", "up"),
            ]
        return all(ip(*step).returncode == 0 for step in steps)

    def cable(self, state: str) -> None:
        assert ip("-n", self.names["trainer"], "link", "set", self.ends["trainer"], state).returncode == 0

    def command(self, side: str, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.names[side], sys.executable, *words]

    def remove(self) -> None:
        for name in self.names.values():
            ip("netns", "del", name)


@pytest.fixture
def machines() -> Iterator[TwoMachines]:
    made = TwoMachines()
    try:
        if not made.build():
            pytest.skip("no network namespaces here: they need root and iproute2")
        yield made
    finally:
        made.remove()


def wait_for(what: Callable[[], Any], seconds: float, tell: Callable[[], str]) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, tell()
        time.sleep(0.2)
    return found


@pytest.mark.slow
def test_a_minute_without_a_network_stops_nothing_and_loses_nothing(machines: TwoMachines, tmp_path: Path) -> None:
    data, home = tmp_path / "data", tmp_path / "home"
    home.mkdir()
    here: dict[str, Any] = {"cwd": ROOT, "text": True}
    account = {"DJANGO_SUPERUSER_USERNAME": "ann", "DJANGO_SUPERUSER_PASSWORD": "a long one 123", "HOME": str(home)}
    admin = [sys.executable, "-m", "rl_teacher"]
    create = [*admin, "manage", "createsuperuser", "--noinput", "--email", "a@example.org", "--data-dir", str(data)]
    subprocess.run(create, env=os.environ | account, check=True, stdout=subprocess.DEVNULL, **here)
    made = subprocess.run(
        [*admin, "token", "--data-dir", str(data), "create", "trainer"], capture_output=True, check=True, **here
    )
    token = re.search(r"rlt_\S+", made.stdout)
    assert token
    url, folder, out = f"http://{SERVER}:8123", home / "runs" / "far", (tmp_path / "out.txt").open("w+")
    serve = ["-m", "rl_teacher", "serve", "--data-dir", str(data), "--host", SERVER, "--port", "8123"]
    words = ["-p", "human", "-e", "ShortReacher-v1", "-n", "far", "-L", "8", "-t", "2e7", "--server", url]
    teach = ["-m", "rl_teacher", "teach", *words, "--runs-dir", str(home / "runs"), "--tb-dir", str(home / "tb")]
    processes: list[subprocess.Popen[str]] = []

    def start(side: str, command: list[str], **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            machines.command(side, *command), env=os.environ | environment, stdout=out, stderr=out, **here
        )
        processes.append(process)
        return process

    def told() -> str:
        return Path(out.name).read_text()[-3000:]

    def steps() -> int:
        lines = (folder / "metrics.jsonl").read_text().splitlines() if (folder / "metrics.jsonl").exists() else []
        return int(json.loads(lines[-1])["step"]) if lines else 0

    def answered() -> int:
        path = folder / "labels.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return len({json.loads(line)["comparison"] for line in lines if json.loads(line)["labeler"] != "trainer"})

    def acknowledged() -> int:
        return len(re.findall(r"^\d+ (?:left|right|tie)$", Path(out.name).read_text(), re.MULTILINE))

    try:
        start("server", serve)
        wait_for((data / "server.json").exists, 60, told)
        trainer = start("trainer", teach, HOME=str(home), RL_TEACHER_TOKEN=token.group())
        wait_for(lambda: "0/8 comparisons labeled" in told(), 90, told)
        link = subprocess.run(
            [*admin, "login-url", "--data-dir", str(data)], capture_output=True, check=True, **here
        ).stdout.split()[0]
        labeler = ["-m", "benchmarks.labelers", "--url", url, "--experiment", "far", "--token", token.group()]
        start("server", [*labeler, "--login", link, "--seconds", "2", "--patience", "200"])
        wait_for(lambda: steps() > 0, 120, told)

        machines.cable("down")
        at_cut, before = time.monotonic(), steps()
        wait_for(lambda: list((folder / "outbox").glob("*.item")), 60, told)
        time.sleep(max(0.0, at_cut + CUT_SECONDS - time.monotonic()))
        assert trainer.poll() is None, told()
        assert steps() > before + 100_000, "training waited for the network"
        given = acknowledged()

        machines.cable("up")
        wait_for(lambda: answered() >= given, 120, told)
        wait_for(lambda: acknowledged() > given, 120, told)  # new pairs reach people again
        os.kill(trainer.pid, signal.SIGINT)  # `ip netns exec` has become the trainer
        assert trainer.wait(60) == 130, told()
        assert token.group() not in "".join(path.read_text() for path in folder.glob("*.json*"))
        assert token.group() not in told()
    finally:
        for process in processes:
            process.kill()
            process.wait()
        subprocess.run(["pkill", "-f", str(tmp_path)])
        out.close()
