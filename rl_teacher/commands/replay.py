"""`rl-teacher replay NAME`: a video of a trained agent, drawn without a screen."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rl_teacher.config.flags import run_from_json
from rl_teacher.config.user_code import is_user_code
from rl_teacher.core.actions import ActionSpec
from rl_teacher.envs.catalog import find_env, find_task, make_envs
from rl_teacher.envs.gymnasium.making import observed_as, spaces_of
from rl_teacher.envs.gymnasium.returned import reset_result, step_result
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.envs.tasks.model_files import load_model
from rl_teacher.errors import CheckpointError
from rl_teacher.files import make_folder, read_json, write_whole
from rl_teacher.protocols import Actor
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.rollouts.recorded_episodes import record_episodes
from rl_teacher.storage import checkpoint as store
from rl_teacher.storage.folder import find_run
from rl_teacher.storage.names import CHECKPOINT, CONFIG, REWARD, RUNS_DIR, is_there
from rl_teacher.training.parts import AGENTS, fresh_agent
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.encode import encode_clip
from rl_teacher.video.render import StateRenderer
from rl_teacher.video.replayed import drawing, picture

Frames = NDArray[np.uint8]


def main(argv: list[str]) -> int:
    """Write the video; prints where it is."""
    parser = argparse.ArgumentParser("rl-teacher replay", description="Draw a trained agent, as an mp4.")
    parser.add_argument("name", metavar="NAME", help="name of a run")
    parser.add_argument("-o", "--out", type=Path, help="the video (default: replay.mp4 in the run folder)")
    parser.add_argument("--seconds", type=float, default=10.0, help="longest video (%(default)s s)")
    parser.add_argument("--size", type=int, default=480, help="width and height in pixels (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the episode's start (%(default)s)")
    parser.add_argument("--runs-dir", "--runs_dir", default=RUNS_DIR, help="folder of the run folders (%(default)s)")
    given = parser.parse_args(argv)
    folder = find_run(given.runs_dir, given.name)
    out: Path = given.out or folder / "replay.mp4"
    spec, actions, actor = load_actor(folder)
    num_frames = max(2, int(given.seconds * spec.clip_fps))
    render = render_task if spec.is_task else render_gymnasium
    frames, true_return = render(spec, actions, actor, num_frames, given.size, given.seed)
    clip = encode_clip(frames, spec.clip_fps, with_webm=False, pixel_aspect=spec.pixel_aspect)
    make_folder(out.parent)
    write_whole(out, clip.mp4)
    print(f"{len(frames)} frames, true return {true_return:.1f} so far: {out}")
    return 0


def load_actor(folder: Path) -> tuple[EnvSpec, ActionSpec, Actor]:
    """The environment and the policy of a run's checkpoint."""
    path, config = folder / CHECKPOINT, run_from_json(read_json(folder / CONFIG))
    if config.agent not in AGENTS and not is_user_code(config.agent):
        raise CheckpointError(
            f"{folder}: its agent is one of {config.agent}, and was kept there, if it was (docs/plug.md). Draw it "
            f"there; the reward that it learned from is in {folder / REWARD}."
        )
    if not is_there(path):
        raise CheckpointError(f"{path}: the run has no checkpoint yet. Wait until it has trained for some seconds.")
    spec = find_env(config.env_id)
    envs = make_envs(spec, 1, seed=0, num_threads=1)
    actions = action_spec(spec.env_id, envs.single_observation_space, envs.single_action_space)
    obs_shape = envs.single_observation_space.shape or ()
    agent = fresh_agent(config, obs_shape, actions, is_fixed_horizon=spec.is_fixed_horizon)
    envs.close()
    arrays, _ = store.load(path)
    return spec, actions, store.unpack("agent", arrays, agent).actor()


def render_task(
    spec: EnvSpec, actions: ActionSpec, actor: Actor, num_frames: int, size: int, seed: int
) -> tuple[Frames, float]:
    """Frames of one episode of a task, from its simulator states, and the true return so far."""
    envs = make_envs(spec, 1, seed=seed, num_threads=1)
    states, rewards = record_episodes(envs, actions, actor.mode, min(num_frames, spec.horizon or num_frames))
    return draw_states(spec, states[0], size), float(rewards.sum())


def draw_states(spec: EnvSpec, states: NDArray[np.float64], size: int) -> Frames:
    """A picture of each simulator state of a task, (step, state), `size` pixels wide and high."""
    task = find_task(spec.canonical_id)
    model, camera = load_model(task.model_file), task.camera
    with StateRenderer(model, camera, backend=choose_backend(), width=size, height=size) as renderer:
        return renderer.render(states)


def render_gymnasium(
    spec: EnvSpec, actions: ActionSpec, actor: Actor, num_frames: int, size: int, seed: int
) -> tuple[Frames, float]:
    """Frames that a Gymnasium environment draws itself, episode after episode; `size` is the environment's own."""
    with drawing(spec) as env:
        frames, total = [], 0.0
        space = observed_as(spaces_of(env, spec.canonical_id)[0])
        obs = reset_result(env.reset(seed=seed), space)
        for _ in range(num_frames):
            frames.append(picture(env.render()))
            action = actions.to_env(actions.clamp(actor.mode(np.asarray(obs, space.dtype)[None])))[0]
            obs, reward, terminated, truncated = step_result(env.step(action), space)
            total += reward
            if terminated or truncated:
                break
        return np.stack(frames), total
