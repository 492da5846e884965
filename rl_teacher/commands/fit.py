"""`rl-teacher fit NAME`: a reward model from what the feedback server holds, on any machine."""

import argparse
import json
import math
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rl_teacher.config.flags import run_from_json
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import ENDED, LabeledBatch, RewardInput
from rl_teacher.core.correlation import correlation
from rl_teacher.core.running_stats import RunningStats
from rl_teacher.core.streams import Streams
from rl_teacher.envs.catalog import find_env, input_names, make_envs
from rl_teacher.envs.spec import EnvSpec
from rl_teacher.errors import ConfigError
from rl_teacher.files import make_folder, write_json
from rl_teacher.people.client.api import FeedbackClient
from rl_teacher.people.client.embedded import default_data_dir, start_or_attach
from rl_teacher.people.connection import remote_client
from rl_teacher.people.download import download
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.protocols import FitData, RewardModel
from rl_teacher.rewards.export import FrameSpec, write_reward
from rl_teacher.rewards.relevance import main_relevances
from rl_teacher.rollouts.action_space import action_spec
from rl_teacher.storage.names import experiment_name, slug
from rl_teacher.training.parts import fresh_reward_model

REPORT = "fit.json"


def fit(argv: list[str]) -> int:
    """Fetch, fit, write the reward model and print how well it does."""
    parser = argparse.ArgumentParser("rl-teacher fit", description="Fit a reward model to the labels on a server.")
    parser.add_argument("name", metavar="NAME", help="name of the experiment")
    parser.add_argument("--server", default=os.environ.get("RL_TEACHER_SERVER", ""), help="its address; unset: here")
    parser.add_argument("--token", default="", help="a trainer's token; unset: RL_TEACHER_TOKEN")
    parser.add_argument("--data-dir", type=Path, default=default_data_dir(), help="of the server here (%(default)s)")
    parser.add_argument("--steps", type=int, default=1000, help="gradient steps of networks (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    parser.add_argument("-o", "--out", type=Path, help="folder of the result (default: ./NAME-reward)")
    given = parser.parse_args(argv)
    name = experiment_name(given.name)
    out = given.out or Path(f"{slug(given.name)}-reward")
    if given.server:
        with remote_client(given.server, given.token, name) as client:
            return fit_from(client, out, given.steps, given.seed)
    with (
        start_or_attach(given.data_dir, log=lambda line: None) as server,
        FeedbackClient(server.url, server.token, name) as client,
    ):
        return fit_from(client, out, given.steps, given.seed)


def fit_from(client: FeedbackClient, out: Path, num_steps: int, seed: int) -> int:
    """Fit to an experiment; the exit code."""
    about = client.about()
    spec = find_env(about.env_id)
    config = run_from_json(about.config).reward
    found = download(client, print)
    dataset = Dataset()
    if found is not None:
        dataset.add(found.comparisons, found.left, found.right)
        dataset.label(found.labels)
    labeled = dataset.labeled()
    if labeled is None:
        raise ConfigError(f"experiment {client.experiment!r}: no answer that can be trained on yet. Label some pairs.")
    model, report = fitted(labeled, config, center=spec.is_fixed_horizon, num_steps=num_steps, seed=seed)
    frames = frames_of(spec)
    report["reward_looks_at"] = dict(main_relevances(model, frames.names))
    report |= {"experiment": client.experiment, "env_id": about.env_id, "labels": dataset.num_labels}
    make_folder(out)
    reward = write_reward(out, model, frames, dataset.num_labels)
    write_json(out / REPORT, report)
    print(json.dumps(report, indent=1))
    if reward is None:
        print(f"The reward is not written: {type(model).__name__} has no method portable (docs/rewards.md).")
    else:
        print(f'Reward model: {out}. In Python: rl_teacher.load_reward("{out}")')
    return 0


def frames_of(spec: EnvSpec) -> FrameSpec:
    """What the reward model is shown of an environment, one copy of which is made to look at its spaces."""
    envs = make_envs(spec, 1, seed=0)
    try:
        obs, actions = envs.single_observation_space, envs.single_action_space
        found = action_spec(spec.env_id, obs, actions)
    finally:
        envs.close()
    shape = obs.shape or ()
    names = input_names(spec, math.prod(shape), found.size)
    return FrameSpec(spec.canonical_id, shape, found, names, str(obs.dtype))


def fitted(
    labeled: LabeledBatch, config: RewardModelConfig, *, center: bool, num_steps: int, seed: int
) -> tuple[RewardModel, dict[str, Any]]:
    """A fresh reward model after a fit, of `num_steps` gradient steps if it takes any, and how well it does."""
    key = Streams(seed).key
    frames = lived_frames(labeled)
    obs = np.asarray(frames.obs)
    flat = jnp.asarray(obs.reshape(len(obs), -1), jnp.float32)
    stats = RunningStats.of_shape((flat.shape[1],)).merge(flat, jnp.ones(len(flat)))
    model = fresh_reward_model(config, obs.shape[1:], labeled.action.shape[-1], center=center, key=key("reward"))
    model, metrics = model.fit(FitData(labeled, frames, stats, len(labeled)), num_steps, key("fit"))
    # sides one by one
    segments = jax.tree.map(lambda array: array.reshape(-1, *array.shape[2:]), labeled.reward_input())
    returns = model.member_returns(segments).mean(0).astype(np.float64)
    report = {
        "train_accuracy": metrics["predictor/accuracy"],
        "comparison_accuracy_holdout": metrics["predictor/holdout_accuracy"],
        "loss": metrics["predictor/loss"],
        "holdout_loss": metrics["predictor/holdout_loss"],
        "return_correlation": correlation(returns.ravel(), labeled.true_return.astype(np.float64).ravel()),
    }
    return model, {name: value if np.isfinite(value) else None for name, value in report.items()}


def lived_frames(labeled: LabeledBatch) -> RewardInput:
    """All frames of the labeled segments as one axis; what follows the end of an episode is left out."""
    lived = np.ones(labeled.action.shape[:-1], bool) if labeled.phase is None else labeled.phase < ENDED
    frames: RewardInput = jax.tree.map(lambda array: array[lived], labeled.reward_input())
    return frames
