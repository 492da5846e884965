"""A lesson as a small GIF: the labeling page at the left, the agent at the right, and how many answers were given."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rl_teacher.files import write_whole

SIZE = (640, 316)
PAGE = (8, 8, 400, 300)
"""Left, top, width and height of the labeling page [pixels]."""
AGENT = (416, 8, 216)
"""Left, top and side of the agent [pixels]."""
COLORS = 96
PAPER, INK, MUTED, ACCENT, EMPTY = (247, 247, 245), (27, 29, 30), (95, 99, 101), (15, 107, 98), (224, 225, 221)
"""Those of the page."""
SHORTEST_S, LONGEST_S = 0.08, 0.3
"""A picture stays as long as it did on the screen, within these [s]."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The labeling page at one moment."""

    at: float
    """On some clock [s]."""
    page: Image.Image
    num_answers: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Shots one after the other, and what the agent did at that time."""

    shots: Sequence[Shot]
    clip: Sequence[Image.Image]
    """Pictures of the agent."""
    fps: float
    """Of the clip [1/s]."""
    says: str
    """What stands under the agent."""


def read_clip(mp4: bytes) -> tuple[list[Image.Image], float]:
    """The pictures of a video, and how many of them are a second."""
    with av.open(io.BytesIO(mp4), "r") as container:
        rate = container.streams.video[0].average_rate
        pictures = [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return pictures, float(rate or 25)


def draw_scene(scene: Scene, num_wanted: int) -> tuple[list[Image.Image], list[float]]:
    """Its pictures, and how long each stays [s]."""
    times = [shot.at for shot in scene.shots]
    gaps = [*np.diff(times), SHORTEST_S] if len(times) > 1 else [LONGEST_S]
    stays = [float(np.clip(gap, SHORTEST_S, LONGEST_S)) for gap in gaps]
    pictures, clock = [], 0.0
    for shot, stay in zip(scene.shots, stays, strict=True):
        agent = scene.clip[int(clock * scene.fps) % len(scene.clip)]
        pictures.append(draw_picture(shot, agent, scene.says, num_wanted))
        clock += stay
    return pictures, stays


def draw_picture(shot: Shot, agent: Image.Image, says: str, num_wanted: int) -> Image.Image:
    """The page, and at its right the agent over the count of answers and a bar."""
    picture = Image.new("RGB", SIZE, PAPER)
    left, top, width, height = PAGE
    picture.paste(shot.page.convert("RGB").resize((width, height), Image.Resampling.LANCZOS), (left, top))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((left - 1, top - 1, left + width, top + height), outline=EMPTY)
    x, y, side = AGENT
    picture.paste(agent.convert("RGB").resize((side, side), Image.Resampling.LANCZOS), (x, y))
    draw.text((x, y + side + 8), says, MUTED, ImageFont.load_default(14))
    number = str(shot.num_answers)
    large = ImageFont.load_default(34)
    draw.text((x, y + side + 26), number, INK, large)
    draw.text(
        (x + draw.textlength(number, large) + 8, y + side + 43),
        "answer" if shot.num_answers == 1 else "answers",
        INK,
        ImageFont.load_default(17),
    )
    bar = (x, y + side + 72, x + side, y + side + 78)
    draw.rectangle(bar, fill=EMPTY)
    if shot.num_answers:
        draw.rectangle((*bar[:2], x + side * min(1.0, shot.num_answers / num_wanted), bar[3]), fill=ACCENT)
    return picture


def write_film(path: Path, scenes: Sequence[Scene], num_wanted: int, facts: Mapping[str, object]) -> None:
    """A GIF that starts again at its end; `facts` go into its comment, as JSON."""
    drawn = [draw_scene(scene, num_wanted) for scene in scenes]
    pictures = [picture for found, _ in drawn for picture in found]
    stays = [stay for _, found in drawn for stay in found]
    stays[-1] = 1.5
    sample = np.concatenate([np.asarray(one) for one in pictures[:: max(1, len(pictures) // 8)]])
    palette = Image.fromarray(sample).quantize(COLORS, dither=Image.Dither.NONE)
    flat = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    out = io.BytesIO()
    flat[0].save(
        out, "GIF", save_all=True, append_images=flat[1:], duration=[10 * round(100 * stay) for stay in stays], loop=0,
        optimize=True, comment=json.dumps(dict(facts)).encode(),
    )  # fmt: skip
    write_whole(path, out.getvalue())


def read_facts(path: Path) -> dict[str, object]:
    """What the comment of a GIF says of it."""
    with Image.open(path) as film:
        found = json.loads(film.info["comment"])
    assert isinstance(found, dict)
    return found
