"""Write docs/envs.md: `python -m rl_teacher.envs.data_sheets > docs/envs.md`."""

import math

from rl_teacher.envs.catalog import LAST_TASK_VERSION, TASK_NAMES, find_env, find_task, task_ids
from rl_teacher.envs.games.lookup import ATARI_VERSION
from rl_teacher.envs.games.sheets import ATARI
from rl_teacher.envs.tasks.task import Entry, Task

GAMES = ", ".join(f"`{sheet.name}`" for sheet in ATARI.values())

INTRO = f"""\
# Environments

*This page is generated: `python -m rl_teacher.envs.data_sheets > docs/envs.md`.*

`rl-teacher teach -e ID` takes the nine tasks below, their Short forms, twelve games ([games.md](games.md)), and every
environment of Gymnasium. The rules, in this order (the first that fits):

1. An id with `:` is a Gymnasium id as it stands: `gymnasium:Pendulum-v1` is the swing-up of classic control, plain
   `Pendulum-v1` the balancing task below, and `ale_py:ALE/Pong-v5` a Pong whose score and ends are to be seen.
2. An id that begins with `ALE/` or `MinAtar/` is a game whose score and ends are hidden. With another `/` it is a
   Gymnasium id as it stands; `rl_teacher/ShortHopper-v1` is our own task.
3. A leading `Short`, in upper or lower case, means a task with fewer steps.
4. A name of the table, in upper or lower case, with no version or v0 to v{LAST_TASK_VERSION}, is a task.
5. {GAMES}, with no version or v{ATARI_VERSION}, are those games of Atari.
6. All else is Gymnasium's own environment, with its own reward and termination: `Hopper-v4`, `CartPole-v1`.

Your own environment: register it with Gymnasium in a module, and use `-e module:Id-v0` in the folder of the module
(`examples/own_env.py`).
The tasks in other programs: `gymnasium.make("rl_teacher.envs.register:rl_teacher/ShortHopper-v1")`, and `make_vec`.
"""

COMMON = """
## What the nine tasks have in common

* **No reward depends on the action**: people cannot see torques. The reward is the *true reward*: logs and synthetic
  teachers see it, agents do not, unless `-p rl`.
* Physics and observations are those of Gymnasium's v4 environments, bit for bit from the same state (Humanoid leaves
  out the 84 contact forces), and starts have the same distribution. Observations are computed in float64 and handed
  out as float32.
* Positions of bodies and sites, inertias and forces are those of the beginning of the last MuJoCo step, as in
  Gymnasium. A reward can therefore not be recomputed exactly from qpos and qvel.
* MuJoCo clamps actions to their bounds.
* The start of an episode depends on the seed, the index of the environment and the number of the episode, and on
  nothing else: not on the number of threads, nor on the other environments.

## Horizon

Every episode of a task has exactly as many steps as its limit: nothing terminates it, and at the limit it is
*truncated*, so that agents bootstrap there. A segment cannot be longer than an episode. Gymnasium's environments may
end anywhere; how long an episode was then says something about the reward, which the nine tasks avoid.

## Gymnasium's environments

Observations must be a `Box`, actions a `Box` or `Discrete`. Pictures are made ready for agents
([games.md](games.md#pictures-of-other-environments)). MuJoCo's (`Hopper-v5`) need
`pip install 'gymnasium[mujoco]'`, Box2D's (`LunarLander-v3`) `pip install 'gymnasium[box2d]'`. To resume a run, the
actions of each running episode are played again from its seed: exact where the environment depends on its seed and on
nothing else (`BipedalWalker-v3`, whose physics engine remembers earlier episodes, does not).
"""


def page() -> str:
    """The whole page, in Markdown."""
    tasks = [find_task(task_id) for task_id in task_ids() if not task_id.startswith("Short")]
    sheets = [_sheet(task) for task in tasks]
    return "\n".join([INTRO, _overview(tasks), COMMON, *sheets]).rstrip() + "\n"


def _overview(tasks: list[Task]) -> str:
    lines = [
        "| task | accepted names | steps, Short | step [s] | clip [frames/s] | observation | action |",
        "|---|---|---|---|---|---|---|",
    ]
    for task in tasks:
        names = ", ".join(f"`{name}`" for name in TASK_NAMES if find_task(name).name == task.name)
        lines.append(
            f"| [{task.name}](#{task.name.lower()}) | {names} | {task.horizon}, {task.short_horizon} | {task.dt:g} "
            f"| {task.clip_fps} | {len(task.observation)} | {len(task.action)} |"
        )
    return "\n".join(lines)


def _sheet(task: Task) -> str:
    long, short = (find_env(prefix + task.name) for prefix in ("", "Short"))
    camera = task.camera
    view = "stands still" if camera.body is None else f"follows the body `{camera.body}`"
    return f"""## {task.name}

{task.aim}

| | |
|---|---|
| ids | `{long.canonical_id}` ({long.horizon} steps), `{short.canonical_id}` ({short.horizon} steps) |
| true reward | {task.reward_text} |
| start | {task.start_text} |
| step | {task.frame_skip} x {task.timestep:g} s = {task.dt:g} s |
| clip | {task.clip_fps} frames/s, {task.clip_fps * task.dt:g} x real time; the camera {view} |
| model | `{task.model_file}` |

{_table("observation", task.observation)}

{_table("action", task.action)}
"""


def _table(what: str, entries: tuple[Entry, ...]) -> str:
    rows = [
        f"| {index} | {entry.name} | {entry.unit} | {_number(entry.low)} | {_number(entry.high)} |"
        for index, entry in enumerate(entries)
    ]
    return "\n".join([f"| {what} | meaning | unit | least | greatest |", "|---|---|---|---|---|", *rows])


def _number(value: float) -> str:
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    return f"{value:g}".replace("-", "−")


if __name__ == "__main__":
    print(page(), end="")
