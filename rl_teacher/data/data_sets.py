"""A data set by its id or its path: of Minari, HDF5 as D4RL writes it, or Parquet of transitions."""

from pathlib import Path

from rl_teacher.data.d4rl_files import open_d4rl
from rl_teacher.data.episodes import EpisodeSet
from rl_teacher.data.minari_files import find_minari, is_id, minari_root, open_minari
from rl_teacher.data.transitions import open_transitions
from rl_teacher.errors import DataMismatch, DataRefused

HDF5 = (".hdf5", ".h5")
PARQUET = ".parquet"


def open_episodes(place: str) -> EpisodeSet:
    """The episodes of a data set on this machine; nothing is fetched.

        found = open_episodes("D4RL/hopper/medium-v2")
        for episode in found.read():
            print(episode.obs.shape, episode.reward.sum())

    Args:
        place: the id of a Minari set, or the path of one; or of a file `.hdf5` or `.parquet`.

    Raises:
        DataMismatch: there is none.
        DataRefused: it is of another form.
        DataDamaged: it cannot be read.
        MissingExtra: a library that reads it is not installed.
    """
    if (folder := find_minari(place)) is not None:
        return open_minari(folder, place)
    path = Path(place).expanduser()
    if path.is_file():
        if path.suffix in HDF5:
            return open_d4rl(path)
        if path.suffix == PARQUET:
            return open_transitions(path)
        raise DataRefused(f"{place}: ends with {path.suffix!r}, expected .hdf5, .h5 or .parquet, or a set of Minari.")
    where = f" in {minari_root()}" if is_id(place) else ""
    raise DataMismatch(
        f"no data set {place!r}{where}: expected the id or the folder of a Minari set, or a file .hdf5 or .parquet. "
        "Fetch it first; nothing is fetched here."
    )
