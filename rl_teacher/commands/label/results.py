"""What a labeling leaves in its folder, and what to do with it."""

import shlex
from pathlib import Path

from rl_teacher.config.run import RunConfig
from rl_teacher.data.data_sets import HDF5, PARQUET
from rl_teacher.data.sample import Sample
from rl_teacher.errors import RunChanged
from rl_teacher.files import read_json, write_json
from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.rewards.export import FrameSpec, write_reward
from rl_teacher.rewards.relevance import main_relevances
from rl_teacher.storage.names import REWARD, RUNS_DIR, SUMMARY, is_there, slug

DATASET = "dataset.json"
"""In the folder of a labeling: which data set was labeled."""


def require_same_set(folder: Path, place: str, sample: Sample) -> None:
    """Write down which data set is labeled; where the folder says it already, make sure that it is the same.

    Raises:
        RunChanged: it is another one.
    """
    path, size = folder / DATASET, {"steps": sample.num_steps, "episodes": sample.num_episodes}
    if not is_there(path):
        write_json(path, {"dataset": place, **size})
        return
    before = read_json(path)
    if {name: before.get(name) for name in size} != size:
        raise RunChanged(
            f"{folder}: began with {before.get('dataset')}, {before.get('steps')} steps of {before.get('episodes')} "
            f"episodes, and {place} has {sample.num_steps} of {sample.num_episodes}. Name the same data set."
        )


def keep(
    config: RunConfig, folder: Path, learner: PreferenceLearner, frames: FrameSpec, place: str
) -> list[str]:  # fmt: skip
    """Write the reward and the summary; what to tell the user."""
    dataset, model = learner.dataset, learner.reward
    write_json(
        folder / SUMMARY,
        {
            "env_id": config.env_id, "canonical_env_id": frames.env_id, "predictor": config.predictor,
            "agent": config.agent, "seed": config.seed, "name": slug(config.name), "timesteps": config.num_timesteps,
            "labels": dataset.num_labels, "comparisons": len(dataset.comparisons), "dataset": place,
            "teacher": "people" if config.predictor == "human" else config.teacher,
            "reward_looks_at": dict(main_relevances(model, frames.names)),
        },
    )  # fmt: skip
    labels = dataset.num_labels
    if not labels:
        return ["Nothing could be learned: nobody preferred a clip, or called both alike."]
    if write_reward(folder / REWARD, model, frames, labels) is None:
        return [f"{REWARD}/ is not written: {type(model).__name__} has no method portable (docs/rewards.md)."]
    return [f"Labels: {labels}. The reward is in {folder / REWARD}.", f"Next: {next_command(config, place)}"]


def next_command(config: RunConfig, place: str) -> str:
    """What makes a data set with the learned rewards of the one that was labeled."""
    name = slug(config.name)
    where = [] if config.runs_dir == RUNS_DIR else ["--runs-dir", config.runs_dir]
    return shlex.join(["rl-teacher", "relabel", name, *where, place, "--to", new_place(place, name)])


def new_place(place: str, name: str) -> str:
    """An id or a path for it, beside the old one.

    >>> new_place("hopper/medium-v2", "nice"), new_place("/data/medium.hdf5", "nice")
    ('hopper/medium-nice-v2', '/data/medium-nice.hdf5')
    """
    path = Path(place)
    if path.suffix in (*HDF5, PARQUET):
        return str(path.with_name(f"{path.stem}-{name}{path.suffix}"))
    front, version, number = place.rpartition("-v")
    plain = name.replace("_", "-")
    return f"{front}-{plain}{version}{number}" if version and number.isdigit() else f"{place.rstrip('/')}-{plain}"
