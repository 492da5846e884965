"""The loop: an agent acts, is asked about, and learns. Also runs as the seed's script."""

import time
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from rl_teacher.core.arrays import RewardInput, Rollout, Segments, concatenate
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.errors import NoSegments
from rl_teacher.preferences.segments import by_id, cut_segments
from rl_teacher.preferences.selection import first_pairs, select_pairs
from rl_teacher.protocols import Agent, FitData, RewardModel
from rl_teacher.records import Comparison, make_id
from rl_teacher.rollouts.random_actor import RandomActor
from rl_teacher.training.build import Run
from rl_teacher.training.session import Session

MOST_REPEATS = 100
"""How often pretraining asks anew for a teacher who never can tell."""


@dataclass(frozen=True, slots=True)
class TeachState:
    """What an iteration changes; the run's environments, pool, dataset and teacher keep the rest."""

    iteration: int
    steps: int
    """Environment steps of the agent so far."""
    agent: Agent
    reward_model: RewardModel


def teach(run: Run, session: Session, state: TeachState) -> TeachState:
    """Teach an agent from preferences, from `state` to the last step: the whole system on one screen."""
    config, streams = run.config, run.streams
    if run.teacher and state.iteration == 0 and (pretrained := pretrain(run, session, state)):
        state = pretrained

    while state.steps < config.num_timesteps and not session.stop_asked:
        iteration = state.iteration

        # Act: the only place in training where an environment moves.
        wanted_steps = min(run.num_envs * run.rollout_steps, config.num_timesteps - state.steps)
        rollout = run.collector.collect(
            state.agent.actor(), wanted_steps, run.rollout_steps, streams.key("act", iteration)
        )
        steps = state.steps + rollout.num_steps

        # Ask and listen: comparisons of short segments of what the agent just did, answered when the teacher likes.
        if run.teacher:
            run.pool.add(cut(run, rollout, config.selection.segments_per_iteration, iteration))
            converse(run, session, state.reward_model, steps, iteration)

        # Learn: first the reward, then the policy; the reward is frozen while a rollout is scored.
        reward_model, fit_metrics = fit(run, session, state, rollout, None)
        agent, update = state.agent.update(
            rollout.blind(show_true_reward=run.teacher is None), reward_model,
            state.steps / config.num_timesteps, streams.key("update", iteration),
        )  # fmt: skip

        state = TeachState(iteration + 1, steps, agent, reward_model)
        run.episodes.add(rollout, update.predicted_reward)
        session.publish(run, state, rollout, update, fit_metrics)
        session.checkpoint(run, state)
    return state


def pretrain(run: Run, session: Session, state: TeachState) -> TeachState | None:
    """Iteration 0: gather segments, ask about them, wait for three quarters of the answers, fit the reward.

    None: asked to stop while waiting.
    """
    session.say("Starting random rollouts to generate pretraining segments. No learning will take place...")
    segments, rollouts = gather(run, session, state.agent, 2 * run.pretrain_labels)
    frames = np.concatenate([flat_counted(rollout, rollout.obs) for rollout in rollouts])
    actions = np.concatenate([flat_counted(rollout, rollout.reward_action) for rollout in rollouts])
    run.mean_random_reward = float(np.mean([rollout.true_reward[rollout.counted].mean() for rollout in rollouts]))
    run.pool.add(segments)
    if not run.dataset.comparisons:  # else a run that was stopped here goes on
        ask(run, session, segments, first_pairs(segments, run.pretrain_labels), 0, 0)
    wait_for_first_labels(run, session, segments)
    if session.stop_asked:
        return None
    stats = RunningStats.of_shape((int(np.prod(frames.shape[1:])),))
    flat = jnp.asarray(frames.reshape(len(frames), -1))
    run.first_stats = stats.merge(flat, jnp.ones(len(flat)))
    reward_model, metrics = fit(run, session, state, RewardInput(frames, actions), run.config.pretrain_iters)
    session.say(f"Fitted the reward model to {run.dataset.num_labels} labels: {session.describe_fit(metrics)}")
    session.say(session.describe_looks(run, reward_model))
    session.say("Starting joint training of predictor and agent")
    run.started_at = time.monotonic()
    session.restart_clock(0)
    return replace(state, iteration=1, reward_model=reward_model)


def wait_for_first_labels(run: Run, session: Session, segments: Segments) -> None:
    """Until three quarters of the pretraining labels are there, or nobody is left to wait for.

    A teacher who could not tell, pairs that overlapped, and clips that could not be made are made up for.
    """
    assert run.teacher is not None, "-p rl asks nobody"
    repeats = 0
    while True:
        listen(run, session)
        session.show_waiting(run)
        missing = run.pretrain_labels - run.dataset.num_budgeted
        pairs = select_pairs(
            segments, missing, None, run.dataset.asked, run.config.selection, run.streams.generator("first")
        )
        if missing > 0 and pairs and (repeats < MOST_REPEATS or run.teacher.room() is not None):
            repeats += 1
            ask(run, session, segments, pairs, 0, 0)
        elif run.dataset.num_answered >= run.labels_required or not run.dataset.num_open or session.stop_asked:
            return
        else:
            listen(run, session, timeout_s=1.0)


def gather(run: Run, session: Session, agent: Agent, num: int) -> tuple[Segments, list[Rollout]]:
    """`num` segments from the beginnings of fresh episodes, before any training.

    Only the first steps after a reset: later on most of the nine tasks' robots lie on the ground, and two clips of
    a robot that lies there teach nothing.
    """
    random = run.config.pretrain_rollouts == "random_actions"
    actor = RandomActor(run.actions) if random else agent.actor()
    collector = run.make_envs(run.num_envs, "pretrain envs")
    parts: list[Segments] = []
    rollouts: list[Rollout] = []
    while (have := sum(map(len, parts))) < num:
        attempt = len(rollouts)
        if attempt:
            collector.restart(int(run.streams.generator("pretrain restart", attempt).integers(2**31)))
        steps = run.num_envs * run.rollout_steps
        rollout = collector.collect(actor, steps, run.rollout_steps, run.streams.key("pretrain act", attempt))
        rollouts.append(rollout)
        parts.append(cut(run, rollout, num - have, -1 - attempt))
        if attempt >= 3 and not any(map(len, parts)):
            longest = int(max(r.episode_step.max() for r in rollouts)) + 1
            raise NoSegments(
                f"env {run.spec.env_id!r}: no episode of random actions had the {run.segment_steps} steps of a "
                f"segment, the longest had {longest}. Use --clip-length {longest / 2 / run.spec.clip_fps:.2g} or less."
            )
        session.say(f"Collected {sum(map(len, parts))}/{num} segments")
    collector.close()
    return concatenate(parts), rollouts


def cut(run: Run, rollout: Rollout, num: int, iteration: int) -> Segments:
    """Segments of one rollout."""
    if run.tape is not None:
        run.tape.add(rollout, iteration)
    generator = run.streams.generator("cut", iteration % 2**32)
    return cut_segments(rollout, run.segment_steps, num, generator, origin=run.origin, iteration=iteration)


def converse(run: Run, session: Session, reward_model: RewardModel, steps: int, iteration: int) -> None:
    """Ask for as many comparisons as the schedule wants by now, and take in what was answered.

    People are asked one by one, as long as their queue has room. For those who answer at once, questions come in
    rounds, a round for each fit that they would cause; at the last step the budget is met exactly, and what could not
    be told is asked anew.
    """
    assert run.teacher is not None, "-p rl asks nobody"
    room = run.teacher.room()
    is_last = room is None and steps >= run.config.num_timesteps
    for attempt in range(20 if is_last else 1):
        wanted = run.schedule.wanted(steps, run.seconds()) - run.dataset.num_budgeted
        is_due = is_last or reward_model.wants_fit(run.dataset.num_changes + wanted) if room is None else True
        wanted = wanted if room is None else min(wanted, room)
        if wanted > 0 and is_due:
            pool = run.pool.segments()
            pairs = [] if pool is None else select_pairs(
                pool, wanted, reward_model, run.dataset.asked, run.config.selection,
                run.streams.generator(f"select {attempt}", iteration),
            )  # fmt: skip
            if pool is not None and pairs:
                ask(run, session, pool, pairs, steps, iteration)
        listen(run, session)


def ask(run: Run, session: Session, pool: Segments, pairs: list[tuple[int, int]], steps: int, iteration: int) -> None:
    """Put pairs of the pool to the teacher, once they and their arrays are on disk."""
    assert run.teacher is not None, "-p rl asks nobody"
    left, right = (pool.take(np.array([pair[side] for pair in pairs])) for side in (0, 1))
    comparisons = [
        Comparison(make_id(run.origin, "comparison", str(a), str(b)), str(a), str(b), steps)
        for a, b in zip(left.id, right.id, strict=True)
    ]
    session.label_log.write_comparisons(iteration, comparisons, left, right)
    run.dataset.add(comparisons, left, right)
    recent = run.episodes.mean_true_return(10)
    horizon = run.spec.horizon or 1000
    run.teacher.observe(None if np.isnan(recent) else recent, horizon, run.mean_random_reward)
    run.teacher.ask(comparisons, by_id(left, right))


def listen(run: Run, session: Session, timeout_s: float = 0.0) -> None:
    """Take in new labels, on disk before they are used; waits up to `timeout_s` for the first."""
    assert run.teacher is not None, "-p rl asks nobody"
    labels = run.teacher.poll(timeout_s)
    session.label_log.write_labels(labels)
    session.take_in(run.dataset.label(labels))


def fit(
    run: Run, session: Session, state: TeachState, frames: Rollout | RewardInput, num_steps: int | None
) -> tuple[RewardModel, dict[str, float]]:
    """The reward model after fitting what is new, if enough is; its scale is measured on `frames`."""
    labeled = run.dataset.labeled() if state.reward_model.wants_fit(run.dataset.num_changes) else None
    if labeled is None:
        return state.reward_model, {}
    if isinstance(frames, Rollout):
        window = RewardInput(flat_counted(frames, frames.obs), flat_counted(frames, frames.reward_action))
        stats = state.agent.obs_stats if float(state.agent.obs_stats.count) else run.first_stats
    else:
        window, stats = frames, run.first_stats
    assert stats is not None, "pretraining measured the first statistics"
    data = FitData(labeled, window, stats, run.dataset.num_changes)
    fitted, metrics = state.reward_model.fit(data, num_steps, run.streams.key("fit", state.iteration))
    session.explain(run, state.steps, state.reward_model, fitted)
    return fitted, metrics


def flat_counted(rollout: Rollout, array: np.ndarray) -> np.ndarray:
    """Rows (time, env) of an array as one axis, padding left out."""
    rows: np.ndarray = array[rollout.counted]
    return rows


if __name__ == "__main__":  # `python rl_teacher/teach.py -p synth ...`, the command of 2017
    import runpy
    import sys

    sys.argv.insert(1, "teach")
    runpy.run_module("rl_teacher", run_name="__main__")
