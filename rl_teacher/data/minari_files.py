"""Data sets of Minari on this machine, in its three forms: HDF5, arrow and Parquet. Read and written without Minari."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rl_teacher.data.d4rl_files import opened, replace_rewards, short
from rl_teacher.data.episodes import AnyArray, Episode, EpisodeSet
from rl_teacher.data.extras import load_pyarrow
from rl_teacher.data.minari_spaces import ObsSpace, action_space, obs_space
from rl_teacher.errors import DataDamaged, DataRefused, FolderUnwritable
from rl_teacher.files import write_json, writing
from rl_teacher.rewards.portable_actions import DiscreteSpace, Space

DATA, METADATA, MAIN = "data", "metadata.json", "main_data.hdf5"
ID = re.compile(r"(?:[\w-]{2,}(?:/[\w-]+)*/)?[\w-]+-v\d+")
"""What Minari takes as an id, with a version."""
SUFFIXES = {"arrow": "*.arrow", "parquet": "*.parquet"}
"""Of the file in the folder of an episode, by the form of the set."""
GET_ANEW = "Get the set anew."
PER_STEP = ("rewards", "terminations", "truncations")


def minari_root() -> Path:
    """Where Minari keeps its data sets on this machine."""
    return Path(os.environ.get("MINARI_DATASETS_PATH") or Path.home() / ".minari" / "datasets")


@dataclass(frozen=True, slots=True)
class MinariSet:
    """A data set of Minari."""

    folder: Path
    """Holds `data/metadata.json`."""
    metadata: Mapping[str, Any]
    form: str
    """hdf5, arrow or parquet."""
    num_episodes: int
    obs: ObsSpace
    action: Space

    @property
    def env_id(self) -> str:
        """Of its environment; empty where it does not say."""
        try:
            return str(json.loads(self.metadata["env_spec"])["id"])
        except (KeyError, TypeError, ValueError):
            return ""

    @property
    def env_changes(self) -> tuple[str, ...]:
        """Arguments with which its environment was made."""
        try:
            return tuple(sorted(json.loads(self.metadata["env_spec"]).get("kwargs") or ()))
        except (KeyError, TypeError, ValueError, AttributeError):
            return ()

    def episodes(self) -> Iterator[Episode]:
        """One after the other."""
        first = 0
        for episode in self._episodes():
            yield Episode(
                episode.number, episode.obs, episode.next_obs, episode.action, episode.reward, episode.terminated,
                episode.truncated, first, episode.sim_state, episode.seed,
            )  # fmt: skip
            first += len(episode)

    def _episodes(self) -> Iterator[Episode]:
        if self.form == "hdf5":
            with opened(self.folder / DATA / MAIN) as file:
                for number in range(self.num_episodes):
                    yield self._of_group(file, number)
        else:
            for number in range(self.num_episodes):
                table = read_part(self.part(number), self.form)
                yield self._of_table(table, number)

    def part(self, number: int) -> Path:
        """The file of an episode, where each has its own.

        Raises:
            DataRefused: it has none, or several.
        """
        folder = self.folder / DATA / str(number)
        found = sorted(folder.glob(SUFFIXES[self.form]))
        if len(found) != 1:
            raise DataRefused(f"{folder}: has {len(found)} files {SUFFIXES[self.form]}, expected one. {GET_ANEW}")
        return found[0]

    def _of_group(self, file: Any, number: int) -> Episode:
        name = f"episode_{number}"
        try:
            group = file[name]
            arrays = {key: np.asarray(group[key][()]) for key in ("observations", "actions", *PER_STEP)}
            infos = [np.asarray(group[f"infos/{key}"][()]) for key in ("qpos", "qvel") if f"infos/{key}" in group]
        except (OSError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise self._damaged(number, error) from error
        states = np.concatenate(infos, -1) if len(infos) == 2 and infos[0].ndim == infos[1].ndim == 2 else None
        return self._episode(arrays, number, states, group.attrs.get("seed"))

    def _of_table(self, table: Any, number: int) -> Episode:
        try:
            arrays = {key: _rows(table.column(key)) for key in ("observations", "actions", *PER_STEP)}
        except (KeyError, ValueError, AttributeError) as error:
            raise self._damaged(number, error) from error
        cut = {key: a if key == "observations" else a[:-1] for key, a in arrays.items()}
        return self._episode(cut, number, None, None)

    def _episode(self, arrays: Mapping[str, AnyArray], number: int, states: AnyArray | None, seed: Any) -> Episode:
        num = len(arrays["rewards"])
        is_choice = isinstance(self.action, DiscreteSpace)
        try:
            obs = arrays["observations"].reshape(num + 1, *self.obs.shape)
            action = arrays["actions"].reshape((num,) if is_choice else (num, self.action.size))
            ended, cut_off = (arrays[key].reshape(num).astype(bool) for key in ("terminations", "truncations"))
        except ValueError as error:
            raise self._damaged(number, error) from error
        return Episode(
            number, obs[:-1], obs[1:], action, arrays["rewards"].reshape(num), ended, cut_off, 0,
            None if states is None else states[:num], int(seed) if isinstance(seed, int | np.integer) else None,
        )  # fmt: skip

    def _damaged(self, number: int, error: Exception) -> DataDamaged:
        return DataDamaged(f"{self.folder}, episode {number}: cannot be read ({short(error)}). {GET_ANEW}")


def _rows(column: Any) -> AnyArray:
    """A column of an episode as an array with a row a step."""
    array = column.combine_chunks()
    if array.null_count:
        raise ValueError(f"{array.null_count} values are missing")
    if not load_pyarrow("a Minari set in arrow or Parquet").types.is_nested(array.type):
        return np.asarray(array.to_numpy(zero_copy_only=False))
    return np.asarray(array.flatten().to_numpy(zero_copy_only=False)).reshape(len(array), -1)


def find_minari(place: str) -> Path | None:
    """The folder of a data set, by its id or its path; None: there is none."""
    path = Path(place).expanduser()
    options = [path, *([path.parent] if path.name == DATA else []), *([minari_root() / place] if is_id(place) else [])]
    return next((folder for folder in options if (folder / DATA / METADATA).is_file()), None)


def is_id(place: str) -> bool:
    """Whether Minari could know a data set by this word."""
    return ID.fullmatch(place) is not None


def read_minari(folder: Path) -> MinariSet:
    """What the metadata of a data set say.

    Raises:
        DataDamaged: they cannot be read, or say nonsense.
        DataRefused: its observations or actions are none that a reward can see.
    """
    path = folder / DATA / METADATA
    try:
        metadata = json.loads(path.read_bytes())
        form, num = metadata.get("data_format", "hdf5"), metadata["total_episodes"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataDamaged(f"{path}: cannot be read ({short(error)}). {GET_ANEW}") from error
    if form not in ("hdf5", *SUFFIXES) or type(num) is not int or num < 0:
        raise DataRefused(f"{path}: data_format {form!r} and total_episodes {num!r}, expected hdf5, arrow or parquet.")
    if not num:
        raise DataDamaged(f"{path}: the set holds no episode. Is it the right one?")
    for name in ("observation_space", "action_space"):
        if name not in metadata:
            raise DataRefused(f"{path}: does not say its {name}. Write the set again with a newer Minari.")
    return MinariSet(
        folder, metadata, form, num, obs_space(metadata["observation_space"], str(path)),
        action_space(metadata["action_space"], str(path)),
    )  # fmt: skip


def open_minari(folder: Path, place: str) -> EpisodeSet:
    """The episodes of a data set.

    Raises:
        DataDamaged, DataRefused: see `read_minari`.
    """
    found = read_minari(folder)
    num = found.metadata.get("total_steps")
    return EpisodeSet(
        place,
        "minari",
        found.env_id,
        found.obs.shape,
        found.action,
        num if type(num) is int else 0,
        found.episodes,
        env_changes=found.env_changes,
    )


def read_part(path: Path, form: str) -> Any:
    """The table of an episode.

    Raises:
        DataDamaged: it cannot be read.
    """
    pa = load_pyarrow("a Minari set in arrow or Parquet")
    try:
        if form == "parquet":
            return pa.parquet.read_table(path, partitioning=None)
        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            return reader.read_all()
    except (pa.ArrowException, OSError) as error:
        raise DataDamaged(f"{path}: cannot be read ({short(error)}). {GET_ANEW}") from error


def write_minari(
    folder: Path, to: Path, new_id: str, score: Callable[[Episode], AnyArray], origin: Mapping[str, Any], *,
    keep_reward: bool,
) -> None:  # fmt: skip
    """Write the same data set with other rewards; everything else of it stays, infos too.

    Args:
        folder: of the set, which is only read.
        to: of the new one, which is whole or not there.
        new_id: by which Minari will know it.
        score: the new rewards of an episode.
        origin: what the rewards come from, into the metadata under `rl_teacher`.
        keep_reward: keep the environment's rewards as `true_reward` among the infos.

    Raises:
        FolderUnwritable: no room, no right to, or something is there already.
        DataRefused: the form of the set has no place for the environment's rewards.
    """
    if to.exists():
        raise FolderUnwritable(f"--to {to}: is there already. Choose another name.")
    found = read_minari(folder)
    if keep_reward and found.form != "hdf5":
        raise DataRefused(f"--with-true-reward: a set in {found.form} is written without. Use one in hdf5.")
    beside = to.with_name(f".{to.name}.part-{os.getpid()}")
    try:
        with writing(to, "--to"):
            beside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder / DATA, beside / DATA)
            if found.form == "hdf5":
                _write_hdf5(found, beside / DATA / MAIN, score, keep_reward=keep_reward)
            else:
                for episode in found.episodes():
                    part = found.part(episode.number)
                    _write_part(part, beside / DATA / str(episode.number) / part.name, found.form, score(episode))
            write_json(
                beside / DATA / METADATA, dict(found.metadata) | {"dataset_id": new_id, "rl_teacher": dict(origin)}
            )
            beside.replace(to)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(beside, ignore_errors=True)


def _write_hdf5(found: MinariSet, path: Path, score: Callable[[Episode], AnyArray], *, keep_reward: bool) -> None:
    with opened(path, "r+") as file:
        for episode in found.episodes():
            group = file[f"episode_{episode.number}"]
            if keep_reward:
                group.require_group("infos")["true_reward"] = np.append(episode.reward, episode.reward[-1:])
            replace_rewards(group, "rewards", score(episode))


def _write_part(path: Path, to: Path, form: str, rewards: AnyArray) -> None:
    pa = load_pyarrow("a Minari set in arrow or Parquet")
    table = read_part(path, form)
    index = table.schema.get_field_index("rewards")
    padded = np.append(rewards.astype(np.float64), 0.0)  # an episode has a row more than steps: its last observation
    changed = table.set_column(index, pa.field("rewards", pa.float64()), pa.array(padded))
    if form == "parquet":
        pa.parquet.write_table(changed, to)
        return
    with pa.OSFile(str(to), "wb") as file, pa.ipc.new_file(file, changed.schema) as writer:
        writer.write_table(changed)
