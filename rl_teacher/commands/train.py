"""One training from beginning to end: check, build or resume, teach, evaluate, summarize."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import IO

from rl_teacher.config.run import RunConfig
from rl_teacher.device import require_device
from rl_teacher.envs.catalog import make_envs
from rl_teacher.rollouts.evaluate import evaluate
from rl_teacher.storage.folder import open_run, refuse_taken
from rl_teacher.storage.names import slug
from rl_teacher.teach import TeachState, teach
from rl_teacher.training.build import Run, build_agent, build_reward_model, build_run
from rl_teacher.training.complete import complete
from rl_teacher.training.session import Session
from rl_teacher.training.videos import TrainingFilms

EVALUATION_EPISODES = 32


def train(config: RunConfig) -> int:
    """Teach as the configuration says; the exit code."""
    require_device()
    config, notes = complete(config)
    run = build_run(dataclasses.replace(config, name=slug(config.name)))
    refuse_taken(config)
    say(f"{run.spec.description}")
    for note in notes:
        say(note)
    if config.predictor != "human":
        folder, lock = open_run(config)
        films = None
        if run.spec.is_task and not config.no_videos:
            films = run.filmer = TrainingFilms(folder, run, say)
        try:
            return train_in(run, folder, lock)
        finally:
            if films is not None:
                films.close()

    from rl_teacher.training import people

    line = people.call(run, say)
    try:
        folder, lock = open_run(config)
        people.invite(run, line, folder, say)
        code = None
        try:
            code = train_in(run, folder, lock)
        finally:
            people.dismiss(run, is_done=code == 0)
    finally:
        line.close()
    return code


def train_in(run: Run, folder: Path, lock: IO[str]) -> int:
    """Teach in a run folder, from its beginning or from its checkpoint; the exit code."""
    config = run.config
    session = Session(run, folder, lock, say)
    try:
        state = TeachState(0, 0, build_agent(run), build_reward_model(run))
        resumed = session.restore(run, state.agent, state.reward_model) if config.resume else None
        if resumed is not None:
            iteration, steps, agent, reward_model = resumed
            state = TeachState(iteration, steps, agent, reward_model)
            say(f"Resuming at {state.steps:,} steps with {run.dataset.num_labels} labels.")
        session.start(resumed[1] if resumed else None)
        if config.predictor == "rl":
            say("Training starts on the true reward.")
        state = teach(run, session, state)
        if session.stop_asked and state.steps < config.num_timesteps:
            if state.iteration:
                session.checkpoint(run, state, force=True)
            say(f"Stopped at {state.steps:,} steps. Continue with the same command and --resume.")
            return 130
        finish(run, session, state)
    finally:
        session.close()
        run.collector.close()
    return 0


def finish(run: Run, session: Session, state: TeachState) -> None:
    """Evaluate the policy's most likely actions, and write and print the summary."""
    seconds = session.wall_seconds()
    envs = make_envs(run.spec, EVALUATION_EPISODES, seed=run.config.seed + 1_000_003, num_threads=run.config.workers)
    returns = evaluate(envs, run.actions, state.agent.actor())
    envs.close()
    summary = session.summarize(run, state, returns, seconds)
    session.close()
    say(json.dumps(summary, indent=1))
    say(f"Done: {session.folder}")


def say(line: str) -> None:
    """One line to the user, at once."""
    print(line, flush=True, file=sys.stdout)
