"""The circus's gallery: every act with three seeds, a table of what was reached, and a GIF of each.

    make circus
    python -m benchmarks.circus --acts ballerina,spin --seeds 1,2,3
    python -m benchmarks.circus --table

A finished training is a line of benchmarks/results/circus.jsonl, and is not done again; stop and go on as you like. The
table stands between two comments of docs/circus.md. An act's GIF in docs/images is that of the seed in the middle.
"""

import argparse
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.readme_figures import with_table
from rl_teacher.cli import main as rl_teacher
from rl_teacher.commands.circus.acts import NamedAct, find_acts, load_act
from rl_teacher.files import read_lines

ROOT = Path(__file__).parents[1]
RESULTS, PAGE, IMAGES = (
    ROOT / "benchmarks" / "results" / "circus.jsonl",
    ROOT / "docs" / "circus.md",
    ROOT / "docs/images",
)
GIFS = ROOT / "build" / "circus"
"""One for each training; the gallery's are copies of some."""
BLOCK, GALLERY = "circus", "gallery"
ACROSS = 3
"""Pictures beside each other."""

Row = Mapping[str, Any]


def rows_of(act: NamedAct, rows: Sequence[Row]) -> list[Row]:
    """The finished trainings of an act with its own budget, in the order of their seeds."""
    own = [
        row for row in rows
        if (row["act"], row["labels"], row["steps"]) == (act.name, act.act.num_labels, act.act.num_steps)
        and row["teacher"] == "synth"
    ]  # fmt: skip
    return sorted(own, key=lambda row: int(row["seed"]))


def middle_of(rows: Sequence[Row]) -> Row:
    """The training whose value is the median; of two, the lower one."""
    return sorted(rows, key=lambda row: float(row["value"]))[(len(rows) - 1) // 2]


def picture_of(name: str) -> Path:
    """Where an act's GIF lies."""
    return IMAGES / f"circus-{name.replace('_', '-')}.gif"


def teach(act: NamedAct, seed: int) -> None:
    """One training, in a folder that is put away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        where = ["--runs-dir", f"{folder}/runs", "--tb-dir", f"{folder}/tb", "--no_videos"]
        out = ["--results", str(RESULTS), "--gif", str(GIFS / f"{act.name}-{seed}.gif")]
        code = rl_teacher(["circus", act.name, "-s", str(seed), *where, *out])
    if code:
        raise SystemExit(code)


def table(acts: Sequence[NamedAct], rows: Sequence[Row]) -> str:
    """A line for each act: what was wanted, and what each seed reached."""
    lines = [
        "| act | answers, steps | measured | goal | seeds 1, 2, 3 | mean ± sd | random | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for act in acts:
        if not (own := rows_of(act, rows)):
            continue
        values = np.array([float(row["value"]) for row in own])
        seconds = ", ".join(f"{row['seconds']:.0f}" for row in own)
        bound = "≤" if act.act.is_less_better else "≥"
        lines.append(
            f"| {act.name} | {act.act.num_labels}, {act.act.num_steps / 1e6:g} million | {act.act.unit} | "
            f"{bound} {act.act.goal:g} | {', '.join(f'{value:.1f}' for value in values)} | "
            f"{values.mean():.1f} ± {values.std(ddof=1) if len(values) > 1 else 0.0:.1f} | {own[0]['random']:.1f} | "
            f"{seconds} |"
        )
    return "\n".join(lines)


def gallery(acts: Sequence[NamedAct]) -> str:
    """The GIFs that there are, as a table without a head."""
    shown = [act for act in acts if picture_of(act.name).exists()]
    cells = [
        f"![{act.act.task}](images/{picture_of(act.name).name})<br>**{act.name}**: {act.act.task}" for act in shown
    ]
    cells += [""] * (-len(cells) % ACROSS)
    rows = ["| " + " | ".join(cells[at : at + ACROSS]) + " |" for at in range(0, len(cells), ACROSS)]
    return "\n".join(["| " + " | ".join([" "] * ACROSS) + " |", "|" + "---|" * ACROSS, *rows])


def write_page(acts: Sequence[NamedAct]) -> None:
    """The gallery and the table of docs/circus.md, from the results."""
    rows = list(read_lines(RESULTS)) if RESULTS.exists() else []
    for act in acts:
        if own := rows_of(act, rows):
            drawn = GIFS / f"{act.name}-{middle_of(own)['seed']}.gif"
            if drawn.exists():
                shutil.copyfile(drawn, picture_of(act.name))
    page = with_table(PAGE.read_text(), BLOCK, table(acts, rows))
    PAGE.write_text(with_table(page, GALLERY, gallery(acts)))


def main(argv: Sequence[str] | None = None) -> None:
    """Teach what is missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--acts", help="names, with commas between them (all)")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--table", action="store_true", help="teach nothing")
    given = parser.parse_args(argv)
    found = find_acts()
    every = [load_act(name, found) for name in found]
    wanted = given.acts.split(",") if given.acts else list(found)
    for act in (load_act(name, found) for name in ([] if given.table else wanted)):
        for seed in map(int, given.seeds.split(",")):
            rows = list(read_lines(RESULTS)) if RESULTS.exists() else []
            if seed not in (row["seed"] for row in rows_of(act, rows)):
                teach(act, seed)
    write_page(every)


if __name__ == "__main__":
    main()
