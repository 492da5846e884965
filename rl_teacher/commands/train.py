"""One training from beginning to end: check, build or resume, teach, evaluate, summarize."""

import dataclasses
import sys
import uuid
from contextlib import closing

from rl_teacher.config.run import RunConfig
from rl_teacher.device import give_large_arrays_back, require_device, require_people
from rl_teacher.envs.catalog import find_env
from rl_teacher.interrupts import EXIT_CODE, leaving_at_once
from rl_teacher.rollouts.action_history import ActionHistory
from rl_teacher.storage.folder import open_run, refuse_taken, require_folders, resumed_settings
from rl_teacher.storage.names import experiment_name, slug
from rl_teacher.teach import teach
from rl_teacher.training.build import build_agent, build_run
from rl_teacher.training.clip_content import content_of
from rl_teacher.training.complete import complete
from rl_teacher.training.farewell import farewell
from rl_teacher.training.interrupt import Interrupt
from rl_teacher.training.parts import build_teacher
from rl_teacher.training.run import Run
from rl_teacher.training.seeds import episode_seeds
from rl_teacher.training.segment_length import with_clip_length
from rl_teacher.training.state import TeachState
from rl_teacher.training.summary import evaluate_policy, evaluate_random, keep_reward, summarize
from rl_teacher.training.task_sentence import is_own_task
from rl_teacher.training.videos import TrainingVideos
from rl_teacher.training.world import World, open_world


def train(config: RunConfig) -> int:
    """Teach an agent as the settings say; the exit code.

    0 at the end, and 130 if somebody stopped it with Ctrl-C, after which the same settings with `resume` go on.

    Raises:
        RlTeacherError: something that the user can mend, in one line.

    Example, a run much too short to learn anything, whose lines for the terminal are put aside:

    >>> from contextlib import redirect_stdout
    >>> from io import StringIO
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, redirect_stdout(StringIO()) as lines:
    ...     exit_code = train(
    ...         RunConfig(
    ...             env_id="ShortReacher-v1", predictor="synth", name="reach", n_labels=20, num_timesteps=1000,
    ...             no_videos=True, runs_dir=f"{folder}/runs", tb_dir=f"{folder}/tb",
    ...         )
    ...     )
    >>> exit_code, "Done after 1,000 steps with 20 labels" in lines.getvalue()
    (0, True)
    """
    with leaving_at_once():
        require_device()
        if config.predictor == "human":
            require_people("-p human")
        spec = find_env(config.env_id)
        if spec.shows_pictures:
            give_large_arrays_back()
        given = config
        config, notes = complete(given, spec)
        refuse_taken(config)
        config, begun_notes = resumed_settings(config, given)
        if config.predictor == "human":
            from rl_teacher.video.pictures import require_pictures  # here, as it loads FFmpeg

            require_pictures(spec)
        config = with_clip_length(config, spec)
        world = open_world(config, spec)
        for line in (spec.description, *notes, *begun_notes):
            log(line)
    with closing(world), Interrupt(log) as interrupt:
        teach_it = taught_by_people if config.predictor == "human" else taught_at_once
        return teach_it(config, world, interrupt)


def taught_at_once(config: RunConfig, world: World, interrupt: Interrupt) -> int:
    """With a teacher who answers at once, or with the true reward; the exit code."""
    teacher = build_teacher(config, world.spec)
    folder, lock = open_run(config)
    with closing(lock):
        if config.no_videos or not world.spec.is_task:
            return to_its_end(build_run(config, world, folder, teacher, interrupt, log=log))
        with closing(TrainingVideos(folder, content_of(world.spec, None), world.spec.clip_fps, log)) as videos:
            return to_its_end(build_run(config, world, folder, teacher, interrupt, log=log, videos=videos))


def taught_by_people(config: RunConfig, world: World, interrupt: Interrupt) -> int:
    """With a feedback server, which is found or started; the exit code."""
    from rl_teacher.people.attach import attach, detach  # here, as they need the extra `people`
    from rl_teacher.people.audience import Audience
    from rl_teacher.people.connection import connect
    from rl_teacher.people.stay import stay_until_seen
    from rl_teacher.teachers.human import HumanTeacher
    from rl_teacher.video.backend import choose_backend

    spec, history = world.spec, None
    if not spec.is_task:
        history = ActionHistory(config.selection.pool_iterations + 2, episode_seeds(config.seed))
    backend = choose_backend() if spec.is_task else None  # Gymnasium's environments draw themselves
    named = dataclasses.replace(config, name=slug(config.name))
    require_folders(named)
    run, code = None, None
    with closing(connect(named, experiment_name(named.name), log, has_pixels=spec.shows_pictures)) as connection:
        folder, lock = open_run(config)  # also where it stops now: the server knows the run, so --resume must
        with closing(lock):
            if interrupt.is_asked:
                log("Stopped at 0 steps. Continue with the same command and --resume.")
                return EXIT_CODE
            session = attach(
                connection, folder, named, content=content_of(spec, history, config.human.clip_px), fps=spec.clip_fps,
                backend=backend, log=log,
            )  # fmt: skip
            try:
                audience, life = Audience(session, connection.label_link), uuid.uuid4().hex
                run = build_run(
                    config, world, folder, HumanTeacher(session, config.human), interrupt, log=log,
                    audience=audience, videos=audience, history=history, life=life,
                )  # fmt: skip
                code = to_its_end(run)
            finally:
                still_open = run.learner.dataset.open() if run is not None and run.learner is not None else []
                detach(session, [comparison.id for comparison in still_open], is_done=code == 0)
        if code == 0 and config.human.stay:
            interrupt.reply = "Stopping."
            stay_until_seen(connection, config.num_timesteps, lambda: interrupt.is_asked, log)
    return code


def to_its_end(run: Run) -> int:
    """Teach, from the beginning or from the checkpoint; the exit code."""
    config, reporter = run.config, run.reporter
    state = TeachState(0, 0, build_agent(config, run.world))
    with closing(reporter):
        resumed = run.checkpoints.restore(state) if config.resume else None
        if resumed is not None:
            state = resumed
            num_labels = run.learner.dataset.num_labels if run.learner else 0
            log(f"Resuming at {state.steps:,} steps with {num_labels} labels.")
        reporter.start(resumed.steps if resumed else None)
        if run.learner is None:
            log("Training starts on the true reward.")
        state = teach(run, state)
        if run.interrupt.is_asked and state.steps < config.num_timesteps:
            if state.iteration:
                run.checkpoints.save(state, at_once=True)
            log(f"Stopped at {state.steps:,} steps. Continue with the same command and --resume.")
            return EXIT_CODE
        seconds, returns = reporter.wall_seconds(), evaluate_policy(run, state)
        if returns is None:
            log("Stopped before the end of the evaluation. Continue with the same command and --resume.")
            return EXIT_CODE
        keep_reward(run)
        summary, before = summarize(run, state, returns, seconds), None
        if config.predictor == "human":
            before = evaluate_random(run)
            reporter.ended(state.steps, before, summary["final_true_return_deterministic"])
    for line in farewell(config, summary, before, reporter.folder, is_own_task=is_own_task(config, run.world.spec)):
        log(line)
    return 0


def log(line: str) -> None:
    """One line to the user, at once."""
    print(line, flush=True, file=sys.stdout)
