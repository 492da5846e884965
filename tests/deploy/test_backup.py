"""The commands of docs/operators.md that save a server on PostgreSQL, and that bring it back on a fresh machine."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer
from tests.deploy.files import ROOT, words
from tests.proxies import free_port, wait_for
from tests.server.crowd import Crowd
from tests.server.databases import PROGRAMS
from tests.server.test_postgres import postgres  # noqa: F401

PAGE = (ROOT / "docs" / "operators.md").read_text()


def of_the_page(program: str) -> list[str]:
    """Its first command in the section on backups: the words after the container's name, up to a file."""
    section = PAGE.split("## Backup")[1].split("\n## ")[0]
    (found,) = set(re.findall(rf"^docker .*?\b{program} ([^<>\n]*)", section, re.MULTILINE))
    return shlex.split(found)


@contextmanager
def serving(data: Path, database: str) -> Iterator[EmbeddedServer]:
    port = free_port()
    command = [sys.executable, "-m", "rl_teacher.server", *words("CMD"), "--host", "127.0.0.1", "--port", str(port)]
    command.remove("--behind-proxy")  # there is none here, and cookies would travel by https alone
    environment = {**os.environ, "RL_TEACHER_FEEDBACK_DIR": str(data), "RL_TEACHER_DATABASE_URL": database}
    with (data.parent / f"{data.name}.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: httpx.get(f"{url}/healthz", trust_env=False).status_code == 200)
            wait_for(lambda: "enter#" in Path(log.name).read_text())
            lines = Path(log.name).read_text().splitlines()
            yield EmbeddedServer(url, (data / "trainer.token").read_text(), lines=lines)
        finally:
            process.terminate()
            process.wait()


@pytest.mark.slow
@pytest.mark.postgres
def test_what_was_saved_comes_back_whole(postgres, tmp_path):  # noqa: F811
    """Answers, clips and keys; in the database and folder of a machine that had none."""
    bin_dir, root = PROGRAMS[-1], postgres.removesuffix("/postgres")
    for database in ("rl_teacher", "fresh"):
        subprocess.run([bin_dir / "createdb", "--maintenance-db", postgres, database], check=True)
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with serving(old, f"{root}/rl_teacher") as server:
        crowd = Crowd(server, 40)
        crowd.work(2, 2.0)
        crowd.close()
        assert crowd.errors == []
        assert len(crowd.acknowledged) > 5
        with FeedbackClient(server.url, server.token, "load") as trainer:
            events, clips = list(trainer.all_labels()), dict(trainer.clips())

        dump = of_the_page("pg_dump")
        assert dump[-3:] == ["--format", "custom", "rl_teacher"]
        place = ["-h", "127.0.0.1", "-p", root.rsplit(":", 1)[1]]
        name = {"rl_teacher": "postgres"}  # who owns the database here
        dump = [
            name.get(word, word) if before == "-U" else word for before, word in zip(["", *dump], dump, strict=False)
        ]
        saved = subprocess.run([bin_dir / "pg_dump", *place, *dump], capture_output=True, check=True).stdout
        pack = [word.replace("/data", str(old)) for word in of_the_page("server tar")]
        packed = subprocess.run(["tar", *pack], capture_output=True, check=True).stdout

    restore = of_the_page("pg_restore")
    assert restore[-2:] == ["-d", "rl_teacher"]
    restore = ["postgres" if before == "-U" else word for before, word in zip(["", *restore], restore, strict=False)]
    subprocess.run([bin_dir / "pg_restore", *place, *restore[:-1], "fresh"], input=saved, check=True)
    unpack = [word.replace("/data", str(new)) for word in of_the_page("tar server")]
    subprocess.run(["tar", *unpack], input=packed, check=True)
    with serving(new, f"{root}/fresh") as server:
        assert server.token == (old / "trainer.token").read_text()
        with FeedbackClient(server.url, server.token, "load") as trainer:
            assert list(trainer.all_labels()) == events
            assert len(events) == len(crowd.acknowledged)
            found = dict(trainer.clips())
            assert found == clips
            assert all(trainer.get_blob(clip.arrays) for clip in found.values())
