"""How good a ranking is, and a reward model that is fitted to the answers behind it: sorted questions or random pairs.

    for task in Walker Hopper Reacher; do
        rl-teacher teach -p synth -l 700 -e Short$task-v1 -n fits-${task,,} -t 6e5 --no_videos
    done
    python -m benchmarks.ranking fits-walker fits-hopper fits-reacher
    python -m benchmarks.ranking --table

Every run's segments are divided by chance, clips and not pairs: half of them can be asked about, the others are held
out. A program answers 200 questions, and a tenth of its answers is wrong: once about random pairs, once as
`--selection.rule sorted` asks. The first 50 are about segments from before training in both cases. The product's reward
model is fitted to each, and judged on 2,000 pairs of held-out clips.

A finished trial is a line of benchmarks/results/ranking.jsonl, and is not done again; stop and go on as you like. The
table stands between two comments of docs/ranking.md.
"""

import argparse
import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.readme_figures import with_table
from benchmarks.reward_fits import fitted
from rl_teacher.commands.replay import RUNS_DIR
from rl_teacher.config.flags import run_from_json
from rl_teacher.config.run import RunConfig, SelectionConfig
from rl_teacher.core.arrays import RewardInput, Segments, concatenate
from rl_teacher.files import append_lines, read_json, read_lines
from rl_teacher.preferences.dataset import Dataset
from rl_teacher.preferences.rounds import Round, first_round, next_round, sizes
from rl_teacher.ranking.ranking import Ranking, rank
from rl_teacher.records import Label, Preference
from rl_teacher.storage.folder import find_run
from rl_teacher.storage.label_log import LabelLog
from rl_teacher.storage.names import CONFIG

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results" / "ranking.jsonl", ROOT / "docs" / "ranking.md"
BLOCK = "ranking"
RULES = ("uniform", "sorted")
WORDS = {"uniform": "random pairs", "sorted": "sorted"}
FIRST, BUDGET, HELD_OUT_PAIRS, POOL = 50, 200, 2000, 512
SEEDS = range(1, 11)

Row = Mapping[str, Any]


class Clips(NamedTuple):
    """Segments of a finished run that can be asked about, and others."""

    first: Segments
    """From before training."""
    later: Segments
    held_out: Segments


def segments_of(runs_dir: str, name: str) -> tuple[RunConfig, Segments]:
    """The settings of a run, and all segments that were asked about in it, once each."""
    folder = find_run(runs_dir, name)
    config, dataset = run_from_json(read_json(folder / CONFIG)), Dataset()
    LabelLog(folder).read(dataset)
    ids = dict.fromkeys(itertools.chain.from_iterable((one.left, one.right) for one in dataset.comparisons))
    return config, concatenate([row for one in ids if (row := dataset.segment(one)) is not None])


def divided(segments: Segments, seed: int) -> Clips:
    """By chance, half and half; those that may be asked about in the order in which the agent made them."""
    mixed = np.random.default_rng(seed).permutation(len(segments))
    asked, held_out = np.sort(mixed[: len(mixed) // 2]), np.sort(mixed[len(mixed) // 2 :])
    is_first = segments.iteration[asked] <= 0
    return Clips(segments.take(asked[is_first]), segments.take(asked[~is_first]), segments.take(held_out))


def answer(dataset: Dataset, asked: Round, mistakes: float, generator: np.random.Generator, step: int) -> None:
    """Put a round to a program that knows the true return, and now and then says the opposite."""
    comparisons = asked.comparisons("benchmark", step)
    dataset.add(comparisons, asked.left, asked.right)
    gap = asked.left.true_reward.sum(1) - asked.right.true_reward.sum(1)
    is_left = (gap > 0) == (generator.random(len(gap)) >= mistakes)
    said = [
        Preference.TIE if equal else Preference.LEFT if left else Preference.RIGHT
        for left, equal in zip(is_left, gap == 0, strict=True)
    ]
    dataset.label(Label(one.id, what, "program", "") for one, what in zip(comparisons, said, strict=True))


def taught(clips: Clips, rule: str, mistakes: float, seed: int) -> Dataset:
    """A budget of answers: the first about clips from before training, then more as the agent goes on."""
    config, dataset = SelectionConfig(rule=rule), Dataset()
    generator, errors = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    mixed = clips.first.take(generator.permutation(len(clips.first)))
    if (first := first_round(mixed, FIRST, config, generator)) is not None:
        answer(dataset, first, mistakes, errors, 0)
    while (missing := BUDGET - len(dataset.comparisons)) > 0:
        share = (len(dataset.comparisons) - FIRST) / (BUDGET - FIRST)
        newest = max(POOL // 4, round(share * len(clips.later)))
        pool = clips.later.take(np.arange(max(0, newest - POOL), min(newest, len(clips.later))))
        num = next(iter(sizes(min(missing, 12), config, at_once=True)))
        asked = next_round(pool, num, None, dataset, config, generator)
        assert asked is not None, "there is always something to ask"
        answer(dataset, asked, mistakes, errors, 1)
    return dataset


def kendall_tau(found: Ranking, true_return: Mapping[str, float]) -> float:
    """Pairs of a list that are in order less those that are not, of all pairs that differ [1]."""
    pairs = itertools.combinations(found.clips, 2)
    signs = [np.sign(true_return[better] - true_return[worse]) for worse, better in pairs]
    return float(np.sum(signs) / max(1, np.count_nonzero(signs)))


def accuracy(dataset: Dataset, held_out: Segments, config: RunConfig, seed: int) -> tuple[float, float]:
    """Of the fitted reward model: pairs of held-out clips that it tells right, and the share of mistakes it found."""
    labeled = dataset.labeled()
    assert labeled is not None
    obs = labeled.obs.reshape(-1, labeled.obs.shape[-1])
    window = RewardInput(obs, labeled.action.reshape(len(obs), -1))
    model, metrics = fitted(labeled, window, config.reward, 0, seed)
    told = np.asarray(model(held_out.reward_input())).sum(-1)
    true = held_out.true_reward.sum(1)
    left, right = np.random.default_rng([seed, 3]).integers(0, len(true), (2, HELD_OUT_PAIRS))
    differ = true[left] != true[right]
    right_told = (told[left] > told[right]) == (true[left] > true[right])
    return float(right_told[differ].mean()), metrics["predictor/random_answer_share"]


def trial(config: RunConfig, segments: Segments, rule: str, mistakes: float, seed: int) -> dict[str, Any]:
    """One line of the results."""
    clips = divided(segments, seed)
    dataset = taught(clips, rule, mistakes, seed)
    true = {
        str(one): float(value)
        for part in clips[:2]
        for one, value in zip(part.id, part.true_reward.sum(1), strict=True)
    }
    longest = max(rank(dataset.answers()), key=lambda found: len(found.clips))
    told, share = accuracy(dataset, clips.held_out, dataclasses.replace(config, seed=seed), seed)
    shown = {clip for one in dataset.comparisons for clip in (one.left, one.right)}
    return {
        "task": config.env_id, "rule": rule, "mistakes": mistakes, "seed": seed, "answers": BUDGET,
        "clips": len(shown), "list": len(longest.clips), "tau": round(kendall_tau(longest, true), 4),
        "accuracy": round(told, 4), "noise_of_list": round(longest.noise, 4), "random_answers_found": round(share, 4),
        "asked_again": len(dataset.comparisons) - len(dataset.asked),
    }  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """A line for each task and share of mistakes; the mean over the seeds, and the least of them."""
    lines = [
        "| task | mistakes | seeds | tau of the list, least | clips drawn: sorted, random pairs | "
        "accuracy on held-out clips: sorted, random pairs |",
        "|---|---|---|---|---|---|",
    ]
    keys = dict.fromkeys((row["task"], row["mistakes"]) for row in rows)
    for task, mistakes in keys:
        own = {
            rule: [r for r in rows if (r["task"], r["mistakes"], r["rule"]) == (task, mistakes, rule)] for rule in RULES
        }
        if not all(own.values()):
            continue
        taus = [row["tau"] for row in own["sorted"]]
        most = {rule: max(row["clips"] for row in own[rule]) for rule in RULES}
        told = {rule: np.mean([row["accuracy"] for row in own[rule]]) for rule in RULES}
        lines.append(
            f"| {task} | {mistakes:.0%} | {len(taus)} | {np.mean(taus):.3f}, {min(taus):.2f} | "
            f"{most['sorted']}, {most['uniform']} | {told['sorted']:.3f}, {told['uniform']:.3f} |"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Do the trials that are missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="runs with many labels, one for each task")
    parser.add_argument("--mistakes", type=float, default=0.1, help="share of answers that are wrong (%(default)s)")
    parser.add_argument("--runs-dir", default=RUNS_DIR)
    parser.add_argument("--table", action="store_true", help="only write the table")
    given = parser.parse_args(argv)
    rows: list[Row] = list(read_lines(RESULTS)) if RESULTS.exists() else []
    done = {(row["task"], row["rule"], row["mistakes"], row["seed"]) for row in rows}
    for name in [] if given.table else given.names:
        config, segments = segments_of(given.runs_dir, name)
        for seed, rule in itertools.product(SEEDS, RULES):
            if (config.env_id, rule, given.mistakes, seed) not in done:
                row = trial(config, segments, rule, given.mistakes, seed)
                append_lines(RESULTS, [row])
                rows.append(row)
                print(row, flush=True)
    print(table(rows))
    if PAGE.exists():
        PAGE.write_text(with_table(PAGE.read_text(), BLOCK, table(rows)))


if __name__ == "__main__":
    main()
