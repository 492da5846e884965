"""Whether it would help to be told how strongly somebody prefers a clip, without an agent: minutes for a task.

    rl-teacher teach -p synth -l 700 -e ShortHopper-v1 -n fits-hopper -t 6e5
    python -m benchmarks.answer_strength fits-hopper --labels 100 --seeds 10

A preference is called strong where the true returns of the two clips differ by more than they do in half of the answers
that the model learns from. Each way to use that is compared with today's fit, which is not told, on the same answers;
all are judged on the other answers of the run, as in benchmarks/reward_fits.py. `wrong` strengths are what people would
say who press the second key carelessly.
"""

import argparse
import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence

import jax
import numpy as np

from benchmarks.reward_fits import PROCESS, drawn, fitted, labels_of, told_right
from rl_teacher.commands.replay import RUNS_DIR
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.core.arrays import LabeledBatch, RewardInput

Use = Callable[[LabeledBatch, np.ndarray], LabeledBatch]
"""(answers, which of them are strong) -> what a model is fitted to."""


def ignored(batch: LabeledBatch, strong: np.ndarray) -> LabeledBatch:
    """Today's fit."""
    return batch


def softened(confidence: float) -> Use:
    """A weak preference is this probability of it, a strong one is certain."""

    def use(batch: LabeledBatch, strong: np.ndarray) -> LabeledBatch:
        weak = np.where(batch.target > 0.5, confidence, 1 - confidence)
        return dataclasses.replace(batch, target=np.where(strong, batch.target, weak).astype(np.float32))

    return use


def doubled(batch: LabeledBatch, strong: np.ndarray) -> LabeledBatch:
    """The log likelihood of a strong preference counts twice."""
    return batch.take(np.concatenate([np.arange(len(batch)), np.flatnonzero(strong)]))


USES: dict[str, tuple[Use, float]] = {
    "not told (today's fit)": (ignored, 0.0),
    "weak as 0.9": (softened(0.9), 0.0),
    "weak as 0.75": (softened(0.75), 0.0),
    "strong counts twice": (doubled, 0.0),
    "weak as 0.9, one in five wrong": (softened(0.9), 0.2),
    "weak as 0.75, one in five wrong": (softened(0.75), 0.2),
    "weak as 0.75, half wrong": (softened(0.75), 0.5),
}
"""Name -> (how strength is used, share of strengths that are wrong)."""


def accuracies(
    batch: LabeledBatch, num_first: int, config: RewardModelConfig, num_labels: int, seed: int
) -> dict[str, float]:
    """Share of the other answers that each fit gets right, all from the same `num_labels` answers."""
    generator = np.random.default_rng(seed)
    seen, unseen = drawn(batch, num_first, num_labels, generator)
    margin = np.abs(seen.true_return[:, 0] - seen.true_return[:, 1])
    strong, draw = margin > np.median(margin), generator.random(num_labels)
    obs = seen.obs.reshape(-1, seen.obs.shape[-1])
    window = RewardInput(obs, seen.action.reshape(len(obs), -1))
    found = {}
    for name, (use, wrong) in USES.items():
        model, _ = fitted(use(seen, strong ^ (draw < wrong)), window, config, 0, seed)
        found[name] = told_right(model, unseen)[0]
    return found


def gain(values: Sequence[float], of_today: Sequence[float]) -> tuple[float, float]:
    """Mean gain over today's fit on the same answers, and its standard error."""
    differences = [value - today for value, today in zip(values, of_today, strict=True)]
    return statistics.mean(differences), statistics.stdev(differences) / math.sqrt(len(differences))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="+", help="of runs with many labels")
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=10, help="at least 2 (%(default)s)")
    parser.add_argument("--runs-dir", default=RUNS_DIR)
    given = parser.parse_args(argv)
    print("| task | strength | accuracy on other answers | gain over today's fit |\n|---|---|---|---|")
    for name in given.name:
        run, batch = labels_of(given.runs_dir, name)
        config = dataclasses.replace(run.reward, **PROCESS)
        seeds = [accuracies(batch, run.pretrain_labels or 0, config, given.labels, seed) for seed in range(given.seeds)]
        columns = {use: [one[use] for one in seeds] for use in USES}
        for use, values in columns.items():
            mean, error = gain(values, columns[next(iter(USES))])
            print(f"| {run.env_id} | {use} | {statistics.mean(values):.3f} | {mean:+.3f} ± {error:.3f} |", flush=True)
        jax.clear_caches()


if __name__ == "__main__":
    main()
