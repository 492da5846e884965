"""The end of a run: its policy is evaluated, its reward is kept, and summary.json says how it went."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rl_teacher.files import write_json
from rl_teacher.rewards.export import FrameSpec, write_reward
from rl_teacher.rewards.relevance import main_relevances
from rl_teacher.rollouts.evaluate import MOST_STEPS, evaluate
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.storage.names import REWARD, SUMMARY, slug
from rl_teacher.training.reporter import jsonable
from rl_teacher.training.run import Run
from rl_teacher.training.state import TeachState

EVALUATION_EPISODES = 32
EVALUATION_SEED = 1_000_003
"""Added to the run's seed: episodes that no training has seen."""


def evaluate_policy(run: Run, state: TeachState) -> np.ndarray | None:
    """True returns of whole episodes with the policy's most likely actions, (episode,); None if it was interrupted."""
    run.reporter.log(f"Evaluating the policy's most likely actions in {EVALUATION_EPISODES} episodes.")
    return _evaluated(run, state.agent.actor().mode, says_more=True)


def evaluate_random(run: Run) -> float | None:
    """Mean true return of random actions in the same episodes; None if it was interrupted, or is not finite."""
    most = min(run.world.spec.horizon or MOST_STEPS, MOST_STEPS)
    key = run.streams.key("evaluate random")
    actions = iter(RandomActor(run.world.actions).noise(key, most, EVALUATION_EPISODES))
    returns = _evaluated(run, lambda obs: next(actions), says_more=False)
    return None if returns is None or not np.isfinite(returns).all() else float(returns.mean())


def _evaluated(run: Run, mode: Callable[[np.ndarray], np.ndarray], *, says_more: bool) -> np.ndarray | None:
    envs = run.world.make_envs(run.world.spec, EVALUATION_EPISODES, seed=run.config.seed + EVALUATION_SEED)
    try:
        found = evaluate(envs, run.world.actions, mode, run.world.spec.horizon, lambda: run.interrupt.is_asked)
    finally:
        envs.close()
    if found is None:
        return None
    returns, cut_at = found
    if cut_at is not None and says_more:
        run.reporter.log(f"Episodes did not end: the first {cut_at:,} steps of each were counted.")
    return returns


def keep_reward(run: Run) -> None:
    """Write the learned reward into the run's folder, for programs that have no JAX; nothing with `-p rl`."""
    if run.learner is None:
        return
    world, model = run.world, run.learner.reward
    frames = FrameSpec(
        world.spec.canonical_id, world.collector.obs_shape, world.actions, world.input_names, world.obs_dtype
    )
    if write_reward(run.reporter.folder / REWARD, model, frames, run.learner.dataset.num_labels) is None:
        run.reporter.log(
            f"{REWARD}/ is not written: {type(model).__name__} has no method portable "
            "(docs/rewards.md#taking-the-reward-elsewhere)."
        )


def summarize(run: Run, state: TeachState, returns: np.ndarray, seconds: float) -> dict[str, Any]:
    """Write summary.json and return it.

    Args:
        run: that has ended.
        state: at its end.
        returns: of `evaluate_policy`.
        seconds: the run has taken, without the evaluation [s].
    """
    config, metrics, learner = run.config, run.reporter.last_metrics, run.learner
    summary: dict[str, Any] = {
        "env_id": config.env_id, "canonical_env_id": run.world.spec.canonical_id, "predictor": config.predictor,
        "agent": config.agent, "seed": config.seed, "name": slug(config.name), "timesteps": state.steps,
        "labels": learner.dataset.num_labels if learner else 0,
        "comparisons": len(learner.dataset.comparisons) if learner else 0,
        "teacher": "people" if config.predictor == "human" else config.teacher,
        "seconds": round(seconds, 2), "env_steps_per_second": round(state.steps / max(seconds, 1e-9), 1),
        "final_true_return": run.episodes.mean_true_return(64),
        "final_true_return_deterministic": float(returns.mean()),
        "reward_true_correlation": metrics.get("predictor/step_correlation", math.nan) if learner else 1.0,
        "episode_return_correlation": metrics.get("predictor/correlations", math.nan),
        "comparison_accuracy_holdout": metrics.get("predictor/holdout_accuracy", math.nan),
    }  # fmt: skip
    if learner is not None:
        summary["reward_looks_at"] = dict(main_relevances(learner.reward, run.world.input_names))
    summary = jsonable(summary)
    write_json(run.reporter.folder / SUMMARY, summary)
    return summary
