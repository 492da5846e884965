"""An experiment whose clips are ranked: many answers, some of them wrong, and clips that still wait for one."""

import itertools
from typing import Any

import numpy as np
from browser_server import LiveExperiment
from playwright.sync_api import Page

POST = """async moves => {
  for (const [clip, below] of moves) {
    const form = new FormData(document.getElementById('move'));
    form.set('clip', clip);
    form.set('below', below);
    form.set('move', [...crypto.getRandomValues(new Uint8Array(16))].map(one => one.toString(16).padStart(2, '0')).join(''));
    const answer = await fetch(`${location.pathname}/move`, {method: 'POST', body: form, headers: {'HX-Request': 'true'}});
    if (!answer.ok) throw new Error(await answer.text());
  }
}"""


def ranked(
    page: Page, experiment: LiveExperiment, films: list[bytes], *, num: int, wrong: int = 0, waiting: list[bytes] = ()
) -> list[str]:
    """Clips from worst to best, of which `num` random pairs are answered, `wrong` of the farthest the wrong way round."""
    clips = [experiment.clip(film, step=1000 * number) for number, film in enumerate(films)]
    pairs = list(itertools.combinations(range(len(clips)), 2))
    np.random.default_rng(1).shuffle(pairs)
    chosen = pairs[:num]
    mistaken = sorted(range(len(chosen)), key=lambda n: chosen[n][0] - chosen[n][1])[:wrong]
    moves: list[tuple[Any, Any]] = [
        (clips[low], clips[high]) if n in mistaken else (clips[high], clips[low])
        for n, (low, high) in enumerate(chosen)
    ]
    new = [experiment.clip(film, step=50_000) for film in waiting]
    experiment.ask([(new[n], clips[n]) for n in range(len(new))])
    page.goto(f"{experiment.server.url}/e/{experiment.slug}/ranking")
    page.evaluate(POST, moves)
    page.reload()
    return clips


def shown(page: Page) -> list[str]:
    """Clips as they stand on the page, worst first."""
    found = page.evaluate("[...document.querySelectorAll('#places [data-clip]')].map(one => one.dataset.clip)")
    return list(found)
