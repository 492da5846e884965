"""Catalog: from the id that a user wrote to environments. Imports MuJoCo and Gymnasium only when they are needed.

The rules, in this order (the first that fits):
1. an id with ':' is a Gymnasium id as it stands ('rl_teacher.envs.register:rl_teacher/<id>' are our own tasks);
2. an id that begins with 'ALE/' or 'MinAtar/' is a game whose ends and score are hidden; with another '/' it is a
   Gymnasium id as it stands ('rl_teacher/<id>' are our own tasks);
3. a leading 'Short', in upper or lower case, means a task;
4. a name of TASK_NAMES, in upper or lower case, with no version or v0 to v3, is a task;
5. a name of a game of Atari that `games/sheets.py` knows, with no version or v5, is that game;
6. all else is Gymnasium's own environment, with its own reward and termination.
"""

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rl_teacher.device import require_mujoco
from rl_teacher.envs.close_matches import did_you_mean
from rl_teacher.envs.games.lookup import NAMESPACES, atari_sheet, find_game
from rl_teacher.envs.numbering import Numbering
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.task import Task
from rl_teacher.errors import UnknownEnv, require

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.vector import VectorEnv

    from rl_teacher.protocols import Envs

NAMESPACE = "rl_teacher"
"""Before the '/' of our ids in Gymnasium's registry."""

TASKS = "rl_teacher.envs.tasks"
TASK_NAMES = {
    "reacher": "reacher",
    "hopper": "hopper",
    "walker": "walker",
    "walker2d": "walker",
    "cheetah": "half_cheetah",
    "halfcheetah": "half_cheetah",
    "swimmer": "swimmer",
    "ant": "ant",
    "humanoid": "humanoid",
    "pendulum": "pendulum",
    "invertedpendulum": "pendulum",
    "doublependulum": "double_pendulum",
    "inverteddoublependulum": "double_pendulum",
}
"""Accepted name, lower case -> the module of rl_teacher.envs.tasks that holds the task."""

ID_PATTERN = re.compile(r"(?P<short>short)?(?P<name>[a-z0-9]+?)(?:-v(?P<version>[0-9]+))?", re.IGNORECASE)
LAST_TASK_VERSION = 3
"""Above this, the names of tasks are Gymnasium's."""


def find_env(env_id: str) -> EnvSpec:
    """The environment that `env_id` names, by the rules above.

    >>> find_env("hopper").canonical_id
    'Hopper-v1'
    >>> find_env("ShortHopper-v1").horizon
    300

    Raises:
        UnknownEnv: none has this name; the message has close matches.
    """
    namespace, slash, name = env_id.partition("/")
    if slash and namespace in (NAMESPACE, f"{NAMESPACE}.envs.register:{NAMESPACE}"):
        return _find_task(env_id, name, f"'{NAMESPACE}/' are the tasks of this package")
    is_game = ":" not in env_id and namespace.lower() in NAMESPACES and bool(slash)
    if not is_game and (":" in env_id or slash):
        from rl_teacher.envs.gymnasium.lookup import find_gymnasium

        return find_gymnasium(env_id, "an id with ':' or '/' is Gymnasium's as it stands", [])
    parts = ID_PATTERN.fullmatch(env_id)
    if parts and parts["short"]:
        return _find_task(env_id, env_id, "a leading 'Short' always means a task")
    if parts and parts["name"].lower() in TASK_NAMES and int(parts["version"] or 0) <= LAST_TASK_VERSION:
        return _find_task(env_id, env_id, f"this name without a version or with v0 to v{LAST_TASK_VERSION} is a task")
    game = find_game(env_id)
    if game is not None:
        return game
    from rl_teacher.envs.gymnasium.lookup import find_gymnasium

    return find_gymnasium(env_id, "with its own reward and termination", task_ids())


def spec_of(env: "gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]", name: str | None = None) -> EnvSpec:
    """The EnvSpec of an environment that exists, single or vector, whether or not any id can make it again.

    Args:
        env: made; one of our tasks is recognized.
        name: what to call it; its id by default, or the name of its class.

    Example:
        >>> import gymnasium
        >>> spec_of(gymnasium.make("CartPole-v1")).horizon
        500
    """
    from rl_teacher.envs.gymnasium.describe import gymnasium_spec

    registered = getattr(env, "spec", None)
    if registered is not None and registered.namespace == NAMESPACE:
        return find_env(registered.id)
    return gymnasium_spec(env, name)


def input_names(spec: EnvSpec, num_obs: int, num_actions: int) -> tuple[str, ...]:
    """A name for each number that a reward model sees: those of the observation, then those of the action."""
    if spec.is_task:
        task = find_task(spec.canonical_id)
        return tuple(entry.name for entry in (*task.observation, *task.action))
    if spec.kind == "minatar":
        from rl_teacher.envs.games.minatar import cell_names

        seen = cell_names(spec)
    else:
        seen = tuple(f"observation {i}" for i in range(num_obs))
    return (*seen, *(f"action {i}" for i in range(num_actions)))


def make_envs(
    spec: EnvSpec,
    num_envs: int,
    *,
    seed: int,
    num_threads: int = 0,
    stagger: bool = False,
    first_env: int = 0,
    total_envs: int | None = None,
) -> "Envs":
    """Build `num_envs` copies of an environment; `reset` must follow.

    >>> envs = make_envs(find_env("ShortHopper-v1"), 4, seed=1)
    >>> envs.reset()[0].shape
    (4, 11)
    >>> envs.close()

    Args:
        spec: from find_env.
        num_envs: how many, >= 1.
        seed: of the starts of all episodes, 0 to 2**64 - 1.
        num_threads: of MuJoCo for tasks, of the emulators for Atari; 0 is one per CPU. Results do not depend on it.
        stagger: cut the first episodes so that later resets are spread over time: that of env i ends after
            ceil(horizon * (i + 1) / num_envs) steps. Without effect where episodes are unlimited.
        first_env: number of the first one, where others step the rest of a run's environments: what an environment does
            depends on its number, wherever it is.
        total_envs: all of that run's environments; `num_envs` unless it is given.

    Raises:
        ConfigError: a number is out of range, or a package that the environment needs is not installed.
        NoSuchDevice: MUJOCO_GL keeps MuJoCo from being imported.
        UnsupportedSpace: its observations are not a Box, or its actions neither a Box nor Discrete.
    """
    require(num_envs >= 1, "num_envs", num_envs, "at least 1")
    total = num_envs if total_envs is None else total_envs
    require(first_env >= 0, "first_env", first_env, "at least 0")
    require(
        total >= first_env + num_envs, "total_envs", total, f"at least first_env + num_envs = {first_env + num_envs}"
    )
    numbering = Numbering(first_env, total)
    require(0 <= seed < 2**64, "seed", seed, "from 0 to 2**64 - 1")
    require(num_threads >= 0, "num_threads", num_threads, "at least 0 (0 is one per CPU)")
    if spec.is_task:
        require_mujoco()
        from rl_teacher.envs.tasks.batched import BatchedTask

        task = find_task(spec.canonical_id)
        limit = spec.horizon or task.horizon
        return BatchedTask(
            task, num_envs, limit=limit, seed=seed, env_id=spec.env_id, num_threads=num_threads, stagger=stagger,
            numbering=numbering,
        )  # fmt: skip
    if spec.kind == "atari":
        from rl_teacher.envs.games.atari import AtariEnvs

        assert spec.horizon is not None, spec
        return AtariEnvs(
            atari_sheet(spec), num_envs, limit=spec.horizon, seed=seed, env_id=spec.env_id,
            frame_stack=spec.frame_stack, num_threads=num_threads, stagger=stagger, numbering=numbering,
        )  # fmt: skip
    from rl_teacher.envs.gymnasium.envs import GymnasiumEnvs
    from rl_teacher.envs.single import make_single

    return GymnasiumEnvs(
        spec.canonical_id, num_envs, seed=seed, limit=spec.horizon, stagger=stagger, make=lambda: make_single(spec),
        numbering=numbering,
    )  # fmt: skip


def find_task(canonical_id: str) -> Task:
    """The task behind an EnvSpec's canonical_id: its camera, model, formulas and data sheet."""
    parts = ID_PATTERN.fullmatch(canonical_id)
    if parts is None or parts["name"].lower() not in TASK_NAMES:
        raise UnknownEnv(f"no task named '{canonical_id}'.{did_you_mean(canonical_id, task_ids())}")
    task = import_module(f"{TASKS}.{TASK_NAMES[parts['name'].lower()]}").TASK
    assert isinstance(task, Task), task
    return task


def task_ids() -> list[str]:
    """The canonical ids of the nine tasks and their Short forms."""
    names = [import_module(f"{TASKS}.{module}").TASK.name for module in dict.fromkeys(TASK_NAMES.values())]
    return [f"{short}{name}-v1" for name in names for short in ("", "Short")]


def register() -> None:
    """Make the tasks known to gymnasium.make, as 'rl_teacher/ShortHopper-v1' and so on.

    Gymnasium calls this itself for 'rl_teacher.envs.register:rl_teacher/ShortHopper-v1' and so on.
    """
    from gymnasium.envs.registration import register as register_env
    from gymnasium.envs.registration import registry

    for canonical_id in task_ids():
        full_id = f"{NAMESPACE}/{canonical_id}"
        if full_id not in registry:
            register_env(
                full_id,
                entry_point="rl_teacher.envs.tasks.single:TaskEnv",
                vector_entry_point="rl_teacher.envs.tasks.single:make_vector",
                max_episode_steps=find_env(canonical_id).horizon,
                kwargs={"task_id": canonical_id},
            )


def _find_task(env_id: str, name: str, reason: str) -> EnvSpec:
    parts = ID_PATTERN.fullmatch(name)
    if parts is None or parts["name"].lower() not in TASK_NAMES:
        matches = [task_id for task_id in task_ids() if not (parts and parts["short"]) or task_id.startswith("Short")]
        raise UnknownEnv(f"no environment named '{env_id}'.{did_you_mean(name, matches)} docs/envs.md lists all.")
    task = find_task(name)
    canonical_id = f"{'Short' if parts['short'] else ''}{task.name}-v1"
    horizon = task.short_horizon if parts["short"] else task.horizon
    return EnvSpec(
        env_id=env_id,
        canonical_id=canonical_id,
        is_task=True,
        kind="task",
        horizon=horizon,
        is_fixed_horizon=True,
        clip_fps=task.clip_fps,
        dt=task.dt,
        turns=tuple(i for i, entry in enumerate(task.observation) if entry.turns),
        description=f"'{env_id}' is the task {canonical_id} of {horizon} steps, which ends nowhere else ({reason}).",
    )
