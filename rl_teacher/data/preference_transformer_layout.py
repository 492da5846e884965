"""Comparisons for Preference Transformer, IPL and DPPO: three pickles, and the steps that they count as D4RL's HDF5."""

import pickle
from pathlib import Path

import numpy as np

from rl_teacher.data.extras import load_h5py
from rl_teacher.data.rows import AnyArray, Source, verdicts
from rl_teacher.errors import DataMismatch, DataRefused
from rl_teacher.files import writing

DATASET = "dataset.hdf5"
LABELS = {1.0: 0, 0.0: 1, 0.5: -1}
"""By the target: 0 is left, 1 is right, -1 is a tie."""


def write_preference_transformer(source: Source, to: Path, *, with_true_reward: bool) -> int:
    """Write the comparisons with a target into an empty folder; how many.

    Each segment is an episode of the HDF5 file, with a step behind it at which it is cut off: the view of
    `qlearning_dataset`, in which the start rows are counted, leaves that step out. Without true rewards they are 0.

    Raises:
        DataMismatch: there is no comparison with a target, or no true reward though it was asked for.
        DataRefused: segments have several lengths, or a target is the mean of labelers who differ.
    """
    about = source.about
    if with_true_reward and not about.has_true_reward:
        raise DataMismatch("--with-true-reward: this source has no true rewards. Leave the flag out.")
    if not about.is_even:
        raise DataRefused(
            f"segments have {about.shortest} to {about.longest} steps: this form has room for one length."
        )
    said = {one: verdict.target for one, verdict in verdicts(source.answers).items() if verdict.target is not None}
    if odd := sorted(set(said.values()) - LABELS.keys())[:3]:
        raise DataRefused(f"labelers differ, with the targets {odd}: this form has room for left, right and tie.")
    steps, place = _Steps(), dict[str, int]()
    starts: tuple[list[int], list[int]] = ([], [])
    labels: list[int] = []
    for rows in source.read():
        for i in (i for i, one in enumerate(rows.id) if one in said):
            labels.append(LABELS[said[rows.id[i]]])
            for found, side in zip(starts, (rows.left, rows.right), strict=True):
                one = side.id[i]
                if one not in place:
                    part = slice(i * about.longest, (i + 1) * about.longest)
                    place[one] = len(place)
                    after = None if side.next_obs is None else side.next_obs[part][-1:]
                    reward = side.true_reward[part] if with_true_reward and side.true_reward is not None else None
                    steps.add(side.obs[part], side.action[part], after, reward)
                found.append(place[one] * about.longest)
    if not labels:
        raise DataMismatch("this source holds no comparison that can be trained on. Answer some first.")
    steps.write(to / DATASET)
    for name, values in (
        (f"indices_num{len(labels)}_q{about.longest}", starts[0]),
        (f"indices_2_num{len(labels)}_q{about.longest}", starts[1]),
        ("label_human", labels),
    ):
        with writing(to / name):
            (to / name).write_bytes(pickle.dumps(np.array(values, np.int32), protocol=4))
    return len(labels)


class _Steps:
    """Segments one behind the other, each with a step at which it is cut off."""

    def __init__(self) -> None:
        self._obs: list[AnyArray] = []
        self._action: list[AnyArray] = []
        self._reward: list[AnyArray] = []

    def add(self, obs: AnyArray, action: AnyArray, after: AnyArray | None, reward: AnyArray | None) -> None:
        """A segment; `after` is what was observed after it."""
        paid = np.zeros(len(obs)) if reward is None else reward
        self._obs.append(np.concatenate([obs, obs[-1:] if after is None else after]))
        self._action.append(np.concatenate([action, np.zeros_like(action[-1:])]))
        self._reward.append(np.append(paid, 0.0).astype(np.float32))

    def write(self, path: Path) -> None:
        """As D4RL does; and a step behind all, which its view leaves out too."""
        obs, action, reward = (np.concatenate(one) for one in (self._obs, self._action, self._reward))
        cut_off = np.concatenate([np.arange(len(one)) == len(one) - 1 for one in self._obs])
        with writing(path), load_h5py("--format preference-transformer").File(path, "w") as file:
            for name, array in (("observations", obs), ("actions", action), ("rewards", reward)):
                file.create_dataset(name, data=array, track_times=False)
            file.create_dataset("terminals", data=np.zeros(len(obs), bool), track_times=False)
            file.create_dataset("timeouts", data=cut_off, track_times=False)
