"""AtariEnvs: games of Atari as endless ones, seen as agents see them: small, grey, and without a score."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from rl_teacher.envs.games.emulator import GREY_SIZE, Blackout, num_buttons, open_emulator, reset_games, step_games
from rl_teacher.envs.games.sheets import GAME_FPS, AtariSheet
from rl_teacher.envs.games.shown_lives import ShownLives
from rl_teacher.envs.games.starts import IdleStarts
from rl_teacher.envs.gymnasium.running_actions import RunningActions
from rl_teacher.envs.numbering import Numbering
from rl_teacher.envs.pictures.stacks import FrameStacker
from rl_teacher.envs.snapshots import check_snapshot
from rl_teacher.envs.tasks.starts import reset_seed

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


class AtariEnvs(VectorEnv[Array, Array, Array]):
    """`num_envs` copies of a game, stepped on threads; satisfies protocols.Envs.

    An episode has exactly `limit` steps. A game that is over inside of one begins anew at once: nothing is terminated,
    and only the true reward tells, which is the change of the score, less the game's price when it was over. Score and
    lives are black. An episode begins with a new game; all in it is a function of its seed and the actions, and its
    seed is one of (seed, env, episode). So a snapshot holds the actions since, and `restore` plays them again.

    Observations are uint8 (num_envs, 42, 42, 4): the last four frames, the oldest first. They are a buffer of this
    object, valid until its next call.
    """

    def __init__(
        self, sheet: AtariSheet, num_envs: int, *, limit: int, seed: int, env_id: str, frame_stack: int,
        num_threads: int = 0, stagger: bool = False, numbering: Numbering | None = None,
    ) -> None:  # fmt: skip
        """Load the game; `reset` must follow.

        Args:
            sheet: of the game.
            num_envs: how many, >= 1.
            limit: steps of an episode, >= 1.
            seed: of all episodes, 0 to 2**64 - 1; `reset(seed=)` replaces it.
            env_id: named in errors.
            frame_stack: frames in an observation.
            num_threads: of the emulators, at most; 0 is one per CPU. Results do not depend on it.
            stagger: cut the first episodes, so that later resets are spread over time: that of env i after
                ceil(limit * (i + 1) / num_envs) steps.
            numbering: which environments of a run these are; all, unless it is given.

        Raises:
            MissingExtra: ale-py is not installed.
        """
        self._emulator: Any = None  # Gymnasium 1.2 closes one that could not be made
        self._emulator = open_emulator(sheet, num_envs, num_threads, is_grey=True)
        self._blacken = Blackout(sheet.hidden, GREY_SIZE, GREY_SIZE)
        self._lives = ShownLives(sheet, num_envs)
        self.sheet, self.env_id, self.num_envs = sheet, env_id, num_envs
        self._numbering = numbering or Numbering(0, num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_fps": GAME_FPS}
        self.single_observation_space = Box(0, 255, (GREY_SIZE, GREY_SIZE, frame_stack), np.uint8)
        self.single_action_space = Discrete(num_buttons(self._emulator))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        self._limit, self._seed = limit, seed
        no_stagger = np.full(num_envs, limit, np.int64)
        self._first_limits = self._numbering.first_limits(limit, num_envs) if stagger else no_stagger
        self._limits = self._first_limits.copy()
        self._episodes = np.full(num_envs, -1, np.int64)
        self._seeds = np.zeros(num_envs, np.int64)
        self._starts = IdleStarts(num_envs)
        self._running = RunningActions(num_envs, self.single_action_space)
        self._stacks = FrameStacker(num_envs, (GREY_SIZE, GREY_SIZE, 1), frame_stack)
        self._terminations = np.zeros(num_envs, np.bool_)
        self._terminations.flags.writeable = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start a new episode everywhere; with `seed`, the episodes of that seed from the first on.

        Returns:
            Observations uint8 (num_envs, 42, 42, frame_stack); no infos.
        """
        if seed is not None:
            self._seed = seed
            self._episodes[:] = -1
        self._start_episodes(np.ones(self.num_envs, np.bool_))
        self._limits[:] = self._first_limits
        return self._stacks.stacked, {}

    def step(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Step every game once; where an episode ended, the next one has begun.

        Args:
            actions: (num_envs,), numbers of buttons.

        Returns:
            Observations, those of the new episode where one ended; true rewards float64 (num_envs,); terminations, all
            False, and truncations, bool (num_envs,). Where any episode ended, infos has `final_obs`, like the
            observations: those before the resets, and `_final_obs`, who was reset.
        """
        if self._episodes[0] < 0:
            raise ResetNeeded(f"env '{self.env_id}': step() before reset(). Call reset() first.")
        rewards = self._play(self._running.append(np.asarray(actions)))
        truncations = self._running.lengths >= self._limits
        if not truncations.any():
            return self._stacks.stacked, rewards, self._terminations, truncations, {}
        final_obs = self._stacks.stacked.copy()
        self._start_episodes(truncations)
        infos = {"final_obs": final_obs, "_final_obs": truncations}
        return self._stacks.stacked, rewards, self._terminations, truncations, infos

    @property
    def num_games(self) -> npt.NDArray[np.int64]:
        """Games that ended in the running episode of each environment so far, (num_envs,)."""
        return self._starts.num_games

    def sim_state(self) -> npt.NDArray[np.float64]:
        """No columns: an Atari's memory is not to be had from the emulators, (num_envs, 0)."""
        return np.zeros((self.num_envs, 0))

    def snapshot(self) -> Arrays:
        """Seed, episode and actions since its start of every game: what `restore` plays again."""
        return {
            "obs": self._stacks.stacked.copy(),
            "episodes": self._episodes.copy(),
            "limits": self._limits.copy(),
            "lengths": self._running.lengths.copy(),
            "actions": self._running.actions(),
            "seed": np.array(self._seed, np.uint64),
        }

    def restore(self, snapshot: Arrays) -> Array:
        """Begin every running episode again and take the same actions, all so that they end together.

        Returns:
            The observations now, as they were then.

        Raises:
            CheckpointError: the snapshot is of another game or another number of environments.
        """
        check_snapshot(snapshot, self.snapshot(), self.env_id, grows={"actions"})
        self._seed = int(snapshot["seed"])
        self._episodes[:] = snapshot["episodes"]
        if self._episodes[0] < 0:  # taken before the first reset
            return self._stacks.stacked
        lengths, actions = snapshot["lengths"], snapshot["actions"]
        self._episodes -= 1
        self._start_episodes(np.ones(self.num_envs, np.bool_))
        everyone, longest = np.arange(self.num_envs), int(lengths.max())
        for step in range(longest - 1, -1, -1):  # steps that come after this one
            self._play(actions[everyone, np.maximum(lengths - 1 - step, 0)])
            begins = lengths == step
            if begins.any():
                self._begin(begins)
        self._running.load(actions, lengths)
        self._limits[:] = snapshot["limits"]
        differs = (self._stacks.stacked != snapshot["obs"]).reshape(self.num_envs, -1).any(axis=1)
        if differs.any():
            where = (self._numbering.first + np.flatnonzero(differs)).tolist()
            warnings.warn(
                f"env '{self.env_id}': playing the same actions again led elsewhere in environments {where} of "
                f"{self._numbering.total}, perhaps as another version of ale-py plays them. Their episodes go on from "
                "there.",
                stacklevel=2,
            )
        return self._stacks.stacked

    def close_extras(self, **kwargs: Any) -> None:
        """Free the emulators."""
        if self._emulator is not None:
            self._emulator.close()

    def _play(self, actions: Array) -> npt.NDArray[np.float64]:
        """Step all games; their true rewards."""
        frames, points, is_over, lives = step_games(self._emulator, self._starts.buttons(actions))
        self._lives.step(lives, is_over)
        self._blacken(frames)
        self._lives.blacken(frames)
        self._stacks.push(frames[:, 0, :, :, None])
        rewards: npt.NDArray[np.float64] = points.astype(np.float64)
        if is_over.any():
            rewards -= self.sheet.price * is_over
            self._starts.over(is_over)
        return rewards

    def _start_episodes(self, who: npt.NDArray[np.bool_]) -> None:
        """The next episode where `who` is true."""
        self._episodes[who] += 1
        for env in np.flatnonzero(who).tolist():
            self._seeds[env] = reset_seed(self._seed, self._numbering.first + env, int(self._episodes[env]))
        self._begin(who)
        self._running.lengths[who] = 0
        self._limits[who] = self._limit

    def _begin(self, who: npt.NDArray[np.bool_]) -> None:
        """The first game of the running episode where `who` is true."""
        frames = reset_games(self._emulator, self.sheet, who)
        self._lives.begin(who)
        self._blacken(frames)
        self._lives.blacken(frames)
        self._stacks.start(frames[:, 0, :, :, None], who)
        self._starts.begin(who, self._seeds)
