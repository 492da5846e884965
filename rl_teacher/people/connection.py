"""From settings to an experiment on a feedback server: find the server or start it, make the experiment or join it."""

import dataclasses
import hashlib
import json
import logging
import os
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rl_teacher.config.run import FREE_ON_RESUME, NO_AGENT, RunConfig, to_json
from rl_teacher.config.upgrades import read_begun, refuse_other, stamped
from rl_teacher.errors import ConfigError, RunExists, ServerFault
from rl_teacher.files import user_path
from rl_teacher.people.client.address import server_address
from rl_teacher.people.client.api import FeedbackClient, ServerAway, ServerRefused
from rl_teacher.people.client.embedded import EmbeddedServer, Reach, default_data_dir, is_locked, start_or_attach
from rl_teacher.people.client.messages import ExperimentSpec
from rl_teacher.people.invitation import invite

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Connection:
    """An experiment on a server that can be reached, or could be when the run began."""

    client: FeedbackClient
    server: EmbeddedServer | None
    """The one that was started here; None with --server."""
    is_new: bool
    """Whether the experiment has just been made: nothing of it is on the server."""
    data_dir: Path
    """Of the server of this machine."""

    @property
    def label_link(self) -> str:
        """Where people answer."""
        return f"{self.client.url}/e/{self.client.experiment}/label"

    def revive(self) -> None:
        """Start the server again, at the same address, if it is one of this machine and has died.

        Raises:
            ServerFault: it does not come up, or its address is taken.
        """
        if self.server is None or is_locked(self.data_dir):
            return
        url, lines = self.server.url, self.server.lines
        again = start_or_attach(
            self.data_dir, port=urlsplit(url).port or 80, keep=self.server.keep, reach=self.server.reach,
            log=lambda line: None,
        )  # fmt: skip
        if again.url != url:
            again.stop()
            raise ServerFault(
                f"feedback server: it died, and its address {url} is taken by another program. "
                "Stop the run with Ctrl-C, and continue it with --resume."
            )
        logger.warning("The feedback server had died, and was started again at %s.", url)
        self.server = again
        self.server.lines = lines

    def close(self) -> None:
        """Stop the server if it was started here and nobody wants to keep it."""
        self.client.close()
        if self.server is not None:
            self.server.leave()


def connect(
    config: RunConfig, slug: str, log: Callable[[str], None], *, has_pixels: bool = False
) -> Connection:  # fmt: skip
    """Reach the server, or start one, and make the experiment or join the one of the run that is resumed.

    Args:
        config: complete.
        slug: the experiment's name.
        log: gets lines for people, the one-time login among them.
        has_pixels: clips are pictures of few and large pixels.

    Raises:
        ServerFault: it cannot be reached, or says no. A run that is resumed goes on without it.
        RunExists: an experiment of this name is there, and the run is not resumed.
        RunChanged: it is resumed with other settings than the experiment was made with.
    """
    server, reach = None, reach_of(config)
    if config.server:
        client = remote_client(config.server, config.token, slug)
    else:
        human = config.human
        next_page = f"/e/{slug}/label"
        server = start_or_attach(
            data_dir(config), port=human.port, keep=human.keep_server, reach=reach,
            log=lambda line: log(_lead_to(line, next_page, open_browser=human.open_browser)),
        )  # fmt: skip
        client = FeedbackClient(server.url, server.token, slug)
        if server.process is None:
            log(f"Feedback server: {server.url} was running already. `rl-teacher login-url` prints a link to sign in.")
    if slug != config.name:
        log(f"On the server the run {config.name!r} is called {slug!r}.")
    connection = Connection(client, server, False, data_dir(config))
    try:
        spec = resumed_spec(config, client) if config.resume else experiment_spec(config)
        state = client.ensure_experiment(dataclasses.replace(spec, has_pixels=has_pixels))
    except ServerAway as away:
        if not config.resume:
            connection.close()
            raise
        log(f"{away} Training goes on; questions wait on disk.")
        return connection
    except BaseException:
        connection.close()
        raise
    if not state.is_new and not config.resume:
        connection.close()
        raise RunExists(
            f"experiment {slug!r}: {client.url} has one of this name with {state.answered} answers. "
            "Choose another -n, or continue it with the same command and --resume."
        )
    connection.is_new = state.is_new
    if server is not None and reach.is_shared:
        invite(client, server, log)
    return connection


def reach_of(config: RunConfig) -> Reach:
    """From where the server of this machine is to be reached.

    Raises:
        ConfigError: the server is elsewhere, where its own flags decide that; or the public address is none.
    """
    human = config.human
    reach = Reach(human.host, server_address(human.public_url, "--human.public-url") if human.public_url else "")
    if reach.is_shared and config.server:
        raise ConfigError(
            "--human.host, --human.public-url: these are for a server that is started here, and --server names one "
            "elsewhere. Leave one of them out."
        )
    return reach


def data_dir(config: RunConfig) -> Path:
    """Of the server of this machine."""
    return Path(os.path.realpath(user_path(config.human.data_dir or str(default_data_dir()))))


def remote_client(server: str, token: str, experiment: str) -> FeedbackClient:
    """A client of a server elsewhere; the token may also come from RL_TEACHER_TOKEN.

    Raises:
        ConfigError: there is none.
    """
    token = token or os.environ.get("RL_TEACHER_TOKEN", "")
    if not token:
        raise ConfigError(
            "--server without --token: the server would not know you. Make one there with "
            "`rl-teacher token create NAME`, and give it by --token or RL_TEACHER_TOKEN."
        )
    return FeedbackClient(server, token, experiment)


def experiment_spec(config: RunConfig) -> ExperimentSpec:
    """What the server is told of a run: its settings but those that may differ when it is resumed."""
    settings = {name: value for name, value in to_json(config).items() if name not in FREE_ON_RESUME}
    text = json.dumps(settings, sort_keys=True)
    wanted = config.n_labels or config.pretrain_labels or 0
    return ExperimentSpec(
        config.env_id, stamped(settings), hashlib.sha256(text.encode()).hexdigest(), wanted, config.task,
        config.human.guideline, config.agent != NO_AGENT,
    )  # fmt: skip


def resumed_spec(config: RunConfig, client: FeedbackClient) -> ExperimentSpec:
    """What the server is told of a run that is resumed: what it knows already, if that means the same.

    The server compares what it is sent byte by byte, and another version spells the same settings in other bytes.
    Here, where settings are known, is where they are compared.

    Raises:
        RunChanged: the experiment was made with other settings.
    """
    spec = experiment_spec(config)
    try:
        found = client.about()
    except ServerRefused as refused:
        if refused.slug == "not-found":
            return spec
        raise
    refuse_other(config, read_begun(found.config), f"experiment {client.experiment!r} on {client.url}")
    return dataclasses.replace(spec, env_id=found.env_id, config=found.config, config_hash=found.config_hash)


def _lead_to(line: str, page: str, *, open_browser: bool) -> str:
    """A line of the server; a one-time login in it leads to `page`, which is opened where that makes sense."""
    if "/enter#" not in line:
        return line
    place = urlsplit(line[line.index("http") :]).path.removesuffix("/enter")  # the server may live under a path
    line = line.replace("/enter#", f"/enter?next={place}{page}#")
    has_display = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if open_browser and has_display and sys.stdout.isatty():
        webbrowser.open(line[line.index("http") :])
    return line
