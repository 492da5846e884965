"""The settings of `rl-teacher label`: those of a run, as far as they mean something without an agent."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rl_teacher.config.flags import read_run, run_parser
from rl_teacher.config.run import RunConfig
from rl_teacher.errors import BadRunName, ConfigError, require
from rl_teacher.storage.names import slug

DEFAULT_LABELS = 100
USED = frozenset(
    {
        "env_id", "name", "seed", "n_labels", "pretrain_labels", "pretrain_iters", "clip_length", "teacher", "task",
        "resume", "server", "token", "runs_dir", "tb_dir", "reward", "selection", "synthetic", "human",
    }
)  # fmt: skip
"""Settings of a run that are flags here."""


class Given(NamedTuple):
    """What the user said."""

    dataset: str
    videos: Path | None
    fps: int | None
    config: RunConfig


def parse_label(argv: Sequence[str]) -> Given:
    """The flags of `rl-teacher label`.

    Raises:
        ConfigError: an unknown flag, a missing one, or a value that does not fit.
    """
    parser = run_parser(
        "rl-teacher label", "Let people compare segments of a data set, and fit a reward to their answers.", USED
    )
    parser.add_argument("dataset", metavar="DATASET", help="id or folder of a Minari set, or a file .hdf5 or .parquet")
    parser.add_argument("--videos", type=Path, default=None, help="folder with NUMBER.mp4 of each episode, from 0")
    parser.add_argument("--fps", type=int, default=None, help="steps per second of a clip; unset: as the environment")
    config, given = read_run(parser, argv)
    dataset, videos, fps = given["dataset"], given["videos"], given["fps"]
    require(fps is None or 1 <= fps <= 1000, "--fps", fps, "in 1..1000")
    config = dataclasses.replace(
        config, name=config.name or default_name(dataset), predictor="synth" if "teacher" in given else "human",
        n_labels=config.n_labels or DEFAULT_LABELS,
    )  # fmt: skip
    return Given(dataset, None if videos is None else videos.expanduser(), fps, config)


def default_name(dataset: str) -> str:
    """What a labeling is called where nobody says: hopper-medium-v2 of ~/hopper_medium-v2.hdf5.

    >>> default_name("D4RL/hopper/medium-v2"), default_name("/data/hopper_medium-v2.hdf5")
    ('d4rl-hopper-medium-v2', 'hopper_medium-v2')
    """
    path = Path(dataset)
    is_path = path.is_absolute() or path.suffix in (".hdf5", ".h5", ".parquet")
    try:
        return slug(path.stem if is_path else dataset.replace("/", "-"))
    except BadRunName as error:
        raise ConfigError(f"rl-teacher label {dataset}: nothing is left of it as a name. Give one by -n.") from error
