"""One process working on a run: its folder, its logs, its checkpoints, and what the user sees meanwhile."""

import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Any, Protocol, TypeVar

import jax.numpy as jnp
import numpy as np

from rl_teacher.core.arrays import Rollout
from rl_teacher.core.correlation import correlation
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.errors import CheckpointError
from rl_teacher.files import write_json
from rl_teacher.people.predictions import explain
from rl_teacher.protocols import RewardModel, UpdateResult
from rl_teacher.records import ComparisonId
from rl_teacher.rewards.relevance import in_words, main_relevances
from rl_teacher.rollouts.last_episode import EpisodeFilm
from rl_teacher.storage import checkpoint as store
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.storage.metrics import MetricsWriter
from rl_teacher.storage.names import CHECKPOINT, SUMMARY, slug
from rl_teacher.training.build import Run
from rl_teacher.training.progress import Progress

REMIND_SECONDS = 60.0
"""Time between two lines that say the same number of labels [s]."""
FILM_SECONDS = 6.0
"""Length of a film of the agent [s of the film]."""
MOST_EXPLAINED = 64
"""Comparisons that are explained after one fit, the newest."""
CHECKPOINT_SECONDS = 10.0
"""Least time between two checkpoints [s]; what is learned does not depend on when they are written."""


class State(Protocol):
    """What a checkpoint keeps of teach.TeachState."""

    @property
    def iteration(self) -> int:
        """Turns of the loop."""
        ...

    @property
    def steps(self) -> int:
        """Environment steps."""
        ...

    @property
    def agent(self) -> Any:
        """A pytree."""
        ...

    @property
    def reward_model(self) -> Any:
        """A pytree."""
        ...


A = TypeVar("A")
R = TypeVar("R")


class Session:
    """Opens the files of a run; `close` closes them."""

    def __init__(self, run: Run, folder: Path, lock: IO[str], say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.label_log = LabelLog(folder)
        self.stop_asked = False
        self._lock = lock
        self._run_name = slug(run.config.name)
        self._progress = Progress(run.config.num_timesteps, say)
        self._last_checkpoint = time.monotonic()
        self._last_metrics: dict[str, float] = {}
        self._tb_folder = Path(run.config.tb_dir).expanduser() / self._run_name
        self._writer: MetricsWriter | None = None
        self._handler_before: Any = None
        self._opened_at, self._seconds_before = time.monotonic(), 0.0
        self._answered: list[ComparisonId] = []
        """Comparisons whose target changed since the last fit."""
        self._last_count, self._counted_at = -1, -math.inf
        self._film = EpisodeFilm(round(FILM_SECONDS * run.spec.clip_fps))
        self._next_film = time.monotonic() + run.config.video_seconds / 3

    # -- what the user sees ------------------------------------------------------------------------------------

    def start(self, resumed_at: int | None) -> None:
        """Begin to publish; from here on, Ctrl-C stops after the iteration and a second one at once."""
        self._writer = MetricsWriter(self.folder, self._tb_folder, resumed_at)
        self.restart_clock(resumed_at or 0)

        def ask_to_stop(signum: int, frame: FrameType | None) -> None:
            if self.stop_asked:
                raise KeyboardInterrupt
            self.stop_asked = True
            self.say("Stopping after this iteration. Press Ctrl-C again to stop at once.")

        self._handler_before = signal.signal(signal.SIGINT, ask_to_stop)

    def restart_clock(self, step: int) -> None:
        """Measure speed from `step` on: what came before was no training."""
        self._progress.start(step)

    def publish(
        self, run: Run, state: State, rollout: Rollout, update: UpdateResult, fit_metrics: Mapping[str, float]
    ) -> None:
        """Write the metrics of an iteration, and show progress."""
        seconds = run.seconds()
        counted = rollout.counted
        values = {
            "agent/total_steps": float(state.steps),
            "agent/iteration": float(state.iteration),
            "agent/batch_true_return": _per_episode(rollout, rollout.true_reward, run.spec.horizon),
            "time/elapsed_seconds": seconds,
            "time/env_steps_per_second": self._progress.rate(state.steps),
            **run.episodes.metrics(),
            **{name: float(value) for name, value in update.metrics.items()},
            **fit_metrics,
        }
        if run.teacher:
            values |= {
                "labels/desired_labels": float(run.schedule.wanted(state.steps, seconds)),
                "labels/total_comparisons": float(len(run.dataset.comparisons)),
                "labels/labeled_comparisons": float(run.dataset.num_decisive),
                "labels/answered": float(run.dataset.num_answered),
                "labels/trained_on": float(run.dataset.num_labels),
                "predictor/step_correlation": correlation(
                    rollout.true_reward[counted].astype(np.float64), update.predicted_reward[counted].astype(np.float64)
                ),
            }
        self._last_metrics |= values
        if run.desk is not None:
            run.desk.tell("training", state.steps, values)
        self._show_agent(run, state, rollout)
        assert self._writer is not None, "start() comes first"
        self._writer.write(state.steps, values)
        self._progress.show(state.steps, self._last_metrics, with_labels=run.teacher is not None)

    def show_waiting(self, run: Run) -> None:
        """How many of the first labels are there; said when the number changes, and now and then."""
        if run.desk is None:
            return
        run.desk.tell("waiting", 0, {})
        count, now = run.dataset.num_answered, time.monotonic()
        if (count != self._last_count and now - self._counted_at > 5.0) or now - self._counted_at > REMIND_SECONDS:
            self.say(f"{count}/{run.pretrain_labels} comparisons labeled. Please label at {run.label_link}")
            self._last_count, self._counted_at = count, now

    def take_in(self, changed: Sequence[ComparisonId]) -> None:
        """Remember which answers are new, until `explain`."""
        self._answered += changed

    def explain(self, run: Run, step: int, before: RewardModel, after: RewardModel) -> None:
        """Show people what the reward model made of their newest answers, before and after it learned from them."""
        if run.desk is not None and (pairs := run.dataset.pairs(self._answered[-MOST_EXPLAINED:])):
            run.desk.explain(explain(pairs, step, before, after))
        self._answered = []

    def _show_agent(self, run: Run, state: State, rollout: Rollout) -> None:
        if run.filmer is None:
            return
        film, now = self._film.add(rollout, state.iteration - 1), time.monotonic()
        if run.filmer is not None and film is not None and now >= self._next_film:
            self._next_film = now + run.config.video_seconds
            run.filmer.film(state.steps, film)

    def describe_fit(self, metrics: Mapping[str, float]) -> str:
        """One line on a fit."""
        self._last_metrics |= metrics
        return (
            f"loss {metrics.get('predictor/loss', math.nan):.3f}, "
            f"held-out loss {metrics.get('predictor/holdout_loss', math.nan):.3f}, "
            f"held-out accuracy {metrics.get('predictor/holdout_accuracy', math.nan):.0%}"
            if metrics
            else "no label to fit"
        )

    def describe_looks(self, run: Run, model: RewardModel) -> str:
        """One line on what the reward depends on."""
        if not run.dataset.num_decisive:
            return (
                f"Nothing could be learned: none of {run.dataset.num_answered} answers prefers a clip. Where every "
                "step is worth the same, as in CartPole, a teacher of your own can tell clips apart: docs/teachers.md."
            )
        return f"It looks at: {in_words(main_relevances(model, run.input_names)) or 'nothing yet'}"

    # -- what survives a crash -----------------------------------------------------------------------------------

    def checkpoint(self, run: Run, state: State, *, force: bool = False) -> None:
        """Keep everything, at most every few seconds."""
        is_last = state.steps >= run.config.num_timesteps or self.stop_asked
        if not force and not is_last and time.monotonic() - self._last_checkpoint < CHECKPOINT_SECONDS:
            return
        arrays = {
            **store.pack("agent", state.agent), **store.pack("reward", state.reward_model),
            **store.nest("collector", run.collector.snapshot()), **store.nest("pool", run.pool.snapshot()),
            **store.nest("episodes", run.episodes.snapshot()),
        }  # fmt: skip
        if run.first_stats is not None:
            stats = run.first_stats
            arrays |= {"first/mean": np.asarray(stats.mean), "first/var": np.asarray(stats.variance)}
        head = {
            "iteration": state.iteration, "steps": state.steps,
            "seconds": run.seconds(), "wall_seconds": self.wall_seconds(),
            "mean_random_reward": run.mean_random_reward, "metrics": _jsonable(self._last_metrics),
            "teacher": run.teacher.state() if run.teacher else {},
        }  # fmt: skip
        store.save(self.folder / CHECKPOINT, arrays, head)
        self._last_checkpoint = time.monotonic()

    def restore(self, run: Run, agent: A, reward_model: R) -> tuple[int, int, A, R] | None:
        """Bring the run back to its checkpoint; None when there is none yet.

        Returns:
            iteration, steps, agent and reward model of the checkpoint.
        """
        path = self.folder / CHECKPOINT
        if run.desk is not None:  # what people were asked and said is never dropped
            self.label_log.read(run.dataset)
            assert run.teacher is not None, "who has a desk teaches"
            run.teacher.ask(run.dataset.open(), run.dataset.segments(run.dataset.open()))
        if not path.exists():
            return None
        arrays, head = store.load(path)
        agent, reward_model = store.unpack("agent", arrays, agent), store.unpack("reward", arrays, reward_model)
        try:
            run.collector.restore(store.under("collector", arrays))
            run.pool.restore(store.under("pool", arrays))
            run.episodes.restore(store.under("episodes", arrays))
            if "first/mean" in arrays:
                mean, variance = jnp.asarray(arrays["first/mean"]), jnp.asarray(arrays["first/var"])
                run.first_stats = RunningStats(jnp.ones(()), mean, variance)
            if run.teacher:
                run.teacher.restore(head["teacher"])
            if run.desk is None:
                self.label_log.read(run.dataset, before_iteration=head["iteration"])
            self._seconds_before = head["wall_seconds"]
            run.seconds_before, run.mean_random_reward = head["seconds"], head["mean_random_reward"]
            self._last_metrics = {name: math.nan if v is None else v for name, v in head["metrics"].items()}
            return head["iteration"], head["steps"], agent, reward_model
        except KeyError as error:
            raise CheckpointError(f"{path}: {error} is missing. Start a new run; the labels beside it stay.") from error

    def wall_seconds(self) -> float:
        """Seconds in this run so far, pretraining, compiling and earlier processes included [s]."""
        return self._seconds_before + time.monotonic() - self._opened_at

    # -- the end -------------------------------------------------------------------------------------------------

    def summarize(self, run: Run, state: State, deterministic: np.ndarray, seconds: float) -> dict[str, Any]:
        """Write summary.json and return it."""
        config = run.config
        metrics = self._last_metrics
        summary = {
            "env_id": config.env_id, "canonical_env_id": run.spec.canonical_id, "predictor": config.predictor,
            "agent": config.agent, "seed": config.seed, "name": config.name, "timesteps": state.steps,
            "labels": run.dataset.num_labels, "comparisons": len(run.dataset.comparisons),
            "teacher": "people" if config.predictor == "human" else config.teacher,
            "seconds": round(seconds, 2), "env_steps_per_second": round(state.steps / max(seconds, 1e-9), 1),
            "final_true_return": run.episodes.mean_true_return(64),
            "final_true_return_deterministic": float(deterministic.mean()),
            "reward_true_correlation": metrics.get("predictor/step_correlation", math.nan),
            "episode_return_correlation": metrics.get("predictor/correlations", math.nan),
            "comparison_accuracy_holdout": metrics.get("predictor/holdout_accuracy", math.nan),
        }  # fmt: skip
        if config.predictor == "rl":
            summary |= {"labels": 0, "reward_true_correlation": 1.0, "comparison_accuracy_holdout": None}
        else:
            summary["reward_looks_at"] = dict(main_relevances(state.reward_model, run.input_names))
        summary = _jsonable(summary)
        write_json(self.folder / SUMMARY, summary)
        return summary

    def close(self) -> None:
        """Close files, and let others have the folder."""
        if self._handler_before is not None:
            signal.signal(signal.SIGINT, self._handler_before)
            self._handler_before = None
        self._progress.stop()
        if self._writer:
            self._writer.close()
        self._lock.close()


def _per_episode(rollout: Rollout, reward: np.ndarray, horizon: int | None) -> float:
    """Mean reward per step of a batch, times the horizon: the return of an episode like it."""
    return float(reward[rollout.counted].mean()) * (horizon or 1)


def _jsonable(values: Mapping[str, Any]) -> dict[str, Any]:
    """nan and infinity as null: JSON knows neither."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
