"""A run finds its experiment on a real server: under a name that it can have, and after an upgrade."""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rl_teacher.config.run import HumanConfig, RunConfig
from rl_teacher.config.upgrades import WRITTEN_BY, flat, nested
from rl_teacher.errors import RunChanged, RunExists
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import EmbeddedServer, start_or_attach
from rl_teacher.people.connection import Connection, connect, experiment_spec
from rl_teacher.storage.names import experiment_name, slug


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One for all tests here."""
    with start_or_attach(tmp_path_factory.mktemp("data"), port=0, log=lambda line: None) as server:
        yield server


def config(server: EmbeddedServer, name: str, **changes: Any) -> RunConfig:
    base = RunConfig(env_id="ShortReacher-v1", predictor="human", name=slug(name), pretrain_labels=4, clip_length=0.3)
    human = HumanConfig(data_dir="nowhere")
    return dataclasses.replace(base, server=server.url, token=server.token, human=human, **changes)


def connected(config: RunConfig, said: list[str] | None = None) -> Connection:
    connection = connect(config, experiment_name(config.name), (said if said is not None else []).append)
    connection.close()
    return connection


@pytest.mark.parametrize("name", ["Übung 1", "日本", "_", "x" * 200, "Ünï-cødé № 5"])
def test_any_run_finds_its_experiment_again(server: EmbeddedServer, name: str) -> None:
    said: list[str] = []
    first = connected(config(server, name), said)
    assert first.is_new
    assert said == [f"On the server the run {slug(name)!r} is called {experiment_name(name)!r}."]
    with pytest.raises(RunExists):
        connected(config(server, name))
    assert not connected(config(server, name, resume=True)).is_new


def test_an_experiment_is_exported_under_the_name_of_its_run(server: EmbeddedServer, tmp_path: Path) -> None:
    connected(config(server, "Prüfung A"))
    data = Path(server.process.args[server.process.args.index("--data-dir") + 1])
    for number, name in enumerate(("Prüfung A", "prüfung-a", experiment_name("Prüfung A"))):
        command = [sys.executable, "-m", "rl_teacher", "export", name, "--data-dir", str(data)]
        done = subprocess.run([*command, "--to", str(tmp_path / str(number))], capture_output=True, text=True)
        assert "0 comparisons" in done.stdout, done.stderr


def by_an_older_version(server: EmbeddedServer, name: str, **written: Any) -> RunConfig:
    """A run whose experiment was made by another version, which wrote other values; None: it did not have it."""
    asked = config(server, name)
    spec = experiment_spec(asked)
    values = flat(spec.config) | written
    kept = nested({key: value for key, value in values.items() if value is not None or key not in written})
    del kept[WRITTEN_BY]
    with FeedbackClient(server.url, server.token, name) as client:
        client.ensure_experiment(dataclasses.replace(spec, config=kept, config_hash="of another version"))
    return asked


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("same", {}),
        ("lacks", {"reward.doubtful_refit_growth": None, "selection.rule": None}),
        ("words", {"teacher": "oracle", "preset": "default", "schedule": "auto"}),
    ],
)
def test_a_run_joins_the_experiment_that_an_older_version_made(
    server: EmbeddedServer, name: str, written: dict[str, Any]
) -> None:
    if "schedule" in written:
        written |= {key: None for key in flat(experiment_spec(config(server, name)).config) if "schedule." in key}
    asked = by_an_older_version(server, name, **written)
    assert not connected(dataclasses.replace(asked, resume=True)).is_new


def test_a_run_with_other_settings_than_its_experiment_is_refused(server: EmbeddedServer) -> None:
    asked = by_an_older_version(server, "other", seed=5)
    with pytest.raises(RunChanged, match=r"^experiment 'other' on http://.*: --resume with other .*: seed: 5 -> 1\."):
        connected(dataclasses.replace(asked, resume=True))


def test_a_run_that_is_resumed_makes_the_experiment_that_a_new_server_lacks(server: EmbeddedServer) -> None:
    assert connected(config(server, "moved", resume=True)).is_new
