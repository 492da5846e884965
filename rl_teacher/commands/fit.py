"""`rl-teacher fit`: a reward model from labels alone, which a feedback server holds, or files."""

import argparse
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_teacher.commands.data.facts import actions_of
from rl_teacher.commands.data.sources import add_source_flags, found_source
from rl_teacher.commands.fitting import fitted, frames_of
from rl_teacher.commands.labeled_rows import labeled_rows
from rl_teacher.config.flags import Parser, from_json, run_from_json
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch
from rl_teacher.data.rows import Source
from rl_teacher.device import require_people
from rl_teacher.envs.catalog import find_env
from rl_teacher.errors import ConfigError
from rl_teacher.files import make_folder, write_json
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.rewards.ensemble.model import RewardEnsemble
from rl_teacher.rewards.export import FrameSpec, write_reward
from rl_teacher.rewards.relevance import main_relevances
from rl_teacher.storage.names import experiment_name, slug

if TYPE_CHECKING:
    from rl_teacher.people.client.api import FeedbackClient

REPORT = "fit.json"


@dataclass(frozen=True, slots=True)
class Labels:
    """What is fitted to, and what must be known of it."""

    batch: LabeledBatch
    frames: FrameSpec
    config: RewardModelConfig
    center: bool
    """Whether no episode can end early, so that the reward may have the mean 0."""
    told: dict[str, Any]
    """For the report."""


def fit(argv: list[str]) -> int:
    """Read or fetch, fit, write the reward model and print how well it does."""
    parser = Parser("rl-teacher fit", description="Fit a reward model to labels: of files, or of a server.")
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of an experiment on a server")
    parser.add_argument(
        "--data", metavar="SOURCE", help="instead: a folder of `rl-teacher data`, a run, an export of a server"
    )
    add_source_flags(parser)
    parser.add_argument(
        "--model", default="",
        help="gp, ensemble or path/to/file.py:Class (default: the run's own, or what suits so many answers)",
    )  # fmt: skip
    parser.add_argument("--steps", type=int, default=1000, help="gradient steps of networks (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("-o", "--out", type=Path, help="folder of the result (default: ./NAME-reward)")
    given = parser.parse_args(argv)
    if (given.name is None) == (given.data is None):
        raise ConfigError("rl-teacher fit: name an experiment, or a source by --data SOURCE; one of the two.")
    out = given.out or Path(f"{slug(Path(given.data).name if given.data else given.name)}-reward")
    if given.data is None:
        return fit_server(given, out)
    make_folder(out)
    with (
        tempfile.TemporaryDirectory(prefix=".fit-", dir=out) as scratch,
        found_source(given.data, given) as source,
    ):
        return write_fit(of_source(source, given.data, Path(scratch)), given, out)


def of_source(source: Source, name: str, scratch: Path) -> Labels:
    """The labels of files.

    Raises:
        ConfigError: none of them can be trained on.
    """
    batch, about = labeled_rows(source, scratch), source.about
    if batch is None:
        raise ConfigError(f"--data {name}: no answer that can be trained on. Label some pairs.")
    frames = FrameSpec(about.env_id, about.obs_shape, actions_of(about.action), about.names, about.obs_dtype)
    config = from_json(RewardModelConfig, about.reward_settings, "reward.")
    return Labels(batch, frames, config, about.is_fixed_horizon and about.is_even, {"source": name})


def fit_server(given: argparse.Namespace, out: Path) -> int:
    """Fit to an experiment on a server; the exit code."""
    require_people("rl-teacher fit NAME")
    from rl_teacher.people.client.api import FeedbackClient
    from rl_teacher.people.client.embedded import default_data_dir, start_or_attach
    from rl_teacher.people.connection import remote_client

    name = experiment_name(given.name)
    if given.server:
        with remote_client(given.server, given.token, name) as client:
            return write_fit(of_experiment(client), given, out)
    with (
        start_or_attach(given.data_dir or default_data_dir(), log=lambda line: None) as server,
        FeedbackClient(server.url, server.token, name) as client,
    ):
        return write_fit(of_experiment(client), given, out)


def of_experiment(client: "FeedbackClient") -> Labels:
    """The labels of an experiment.

    Raises:
        ConfigError: none of them can be trained on.
    """
    from rl_teacher.people.download import download

    about = client.about()
    spec = find_env(about.env_id)
    config = run_from_json(about.config).reward
    found = download(client, print)
    dataset = Dataset()
    if found is not None:
        dataset.add(found.comparisons, found.left, found.right)
        dataset.label(found.labels)
    labeled = dataset.labeled()
    if labeled is None:
        raise ConfigError(f"experiment {client.experiment!r}: no answer that can be trained on yet. Label some pairs.")
    return Labels(labeled, frames_of(spec), config, spec.is_fixed_horizon, {"experiment": client.experiment})


def write_fit(labels: Labels, given: argparse.Namespace, out: Path) -> int:
    """Fit, write the reward and the report, and print it; the exit code."""
    config = replace(labels.config, model=given.model) if given.model else labels.config
    model, report = fitted(
        labels.batch, config, center=labels.center, num_steps=given.steps, seed=given.seed, chooses=not given.model
    )
    report["reward_looks_at"] = dict(main_relevances(model, labels.frames.names))
    report |= labels.told | {"env_id": labels.frames.env_id, "labels": len(labels.batch)}
    make_folder(out)
    reward = write_reward(out, model, labels.frames, len(labels.batch))
    write_json(out / REPORT, report)
    print(json.dumps(report, indent=1))
    if (num := report.get("fitted_to")) is not None:
        print(
            f"A Gaussian process takes {num:,} of these {len(labels.batch):,} answers at most, drawn at random: more "
            "would take over a minute (docs/rewards.md). --model ensemble takes all."
        )
    if config.model in ("auto", "gp") and isinstance(model, RewardEnsemble):
        print(
            f"Networks, which take all {len(labels.batch):,} answers: a Gaussian process would take few for as many "
            "numbers as are seen (docs/rewards.md). --model gp fits it to those."
        )
    if reward is None:
        print(f"The reward is not written: {type(model).__name__} has no method portable (docs/rewards.md).")
    else:
        print(f'Reward model: {out}. In Python: rl_teacher.load_reward("{out}")')
    return 0
