"""The loop: an agent acts, is asked about, and learns. Also runs as the script of 2017."""

from contextlib import closing
from dataclasses import replace

from rl_teacher.preferences.learner import PreferenceLearner
from rl_teacher.rewards.true_reward import TrueReward
from rl_teacher.training.run import Run
from rl_teacher.training.state import TeachState
from rl_teacher.training.world import random_actor, rollouts_before_training


def teach(run: Run, state: TeachState) -> TeachState:
    """Teach an agent from preferences, from `state` to the last step: the whole system on one screen."""
    config, world, learner = run.config, run.world, run.learner
    if learner is not None and state.iteration == 0:
        state = pretrain(run, learner, state)

    while state.steps < config.num_timesteps and not run.interrupt.is_asked:
        iteration = state.iteration

        # Act: the only place in training where an environment moves.
        wanted_steps = min(world.collector.num_envs * world.rollout_steps, config.num_timesteps - state.steps)
        key = run.streams.key("act", iteration)
        rollout = world.collector.collect(state.agent.actor(), wanted_steps, world.rollout_steps, key)
        steps = state.steps + rollout.num_steps

        # Ask and listen: comparisons of short segments of what the agent just did, answered when the teacher likes.
        # Then learn the reward, if enough is new; it is frozen while a rollout is scored.
        fit = None
        if learner is not None:
            learner.observe(rollout, iteration, steps)
            learner.ask_and_listen(
                run.clock.seconds(), is_last=steps >= config.num_timesteps,
                mean_episode_return=run.episodes.mean_true_return(last=10),
            )  # fmt: skip
            fit = learner.fit(state.agent.obs_stats)
            run.reporter.fitted(state.steps, fit)

        # Learn the policy: from the learned reward alone, or with `-p rl` from the true one.
        reward = TrueReward() if learner is None else learner.reward
        progress, key = state.steps / config.num_timesteps, run.streams.key("update", iteration)
        blind = rollout.blind(show_true_reward=True) if learner is None else learner.blind(rollout)
        agent, update = state.agent.update(blind, reward, progress, key)

        # Publish.
        state = TeachState(iteration + 1, steps, agent)
        run.episodes.add(rollout, update.predicted_reward)
        run.reporter.publish(state.iteration, state.steps, rollout, update, fit)
        run.checkpoints.save(state, at_once=steps >= config.num_timesteps or run.interrupt.is_asked)
    return state


def pretrain(run: Run, learner: PreferenceLearner, state: TeachState) -> TeachState:
    """Iteration 0: gather segments, ask about them, wait for three quarters of the answers, fit the reward.

    The state as it was: somebody stopped the run while it waited.
    """
    run.reporter.pretraining_begins()
    is_random = run.config.pretrain_rollouts != "policy"
    actor = random_actor(run.config, run.world) if is_random else state.agent.actor()
    with closing(rollouts_before_training(run.config, run.world, actor)) as rollouts:
        for progress in learner.pretrain(rollouts, num_fit_steps=run.config.pretrain_iters):
            run.reporter.pretraining(progress)
            if run.interrupt.is_asked:
                return state
    run.reporter.fitted(0, learner.first_fit)
    run.reporter.pretrained(learner)
    run.reporter.log("Starting joint training of predictor and agent")
    run.clock.restart()
    run.reporter.restart_clock(0)
    return replace(state, iteration=1)


if __name__ == "__main__":  # `python rl_teacher/teach.py -p synth ...`, the command of 2017
    import runpy
    import sys

    sys.argv.insert(1, "teach")
    runpy.run_module("rl_teacher", run_name="__main__")
