"""docs/images/render-*.png: how clips look, and how with MuJoCo's defaults: `python -m scripts.task_pictures`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rl_teacher.commands.bench.tasks import PAPER_TASKS
from rl_teacher.envs.catalog import find_env, find_task, make_envs
from rl_teacher.envs.tasks.task import MODELS
from rl_teacher.video.backend import choose_backend
from rl_teacher.video.clip_size import SMALL_PX
from rl_teacher.video.model_files import load_model
from rl_teacher.video.render import StateRenderer
from rl_teacher.video.render_style import DEFAULT_STYLE, MUJOCO_STYLE, RenderStyle

IMAGES = Path(__file__).parents[1] / "docs" / "images"
NUM_STEPS = 8
"""Of random actions before the picture."""


def picture(env_id: str, style: RenderStyle) -> NDArray[np.uint8]:
    """The task after a few random actions."""
    spec = find_env(env_id)
    task, envs, generator = find_task(spec.canonical_id), make_envs(spec, 1, seed=3), np.random.default_rng(0)
    envs.reset()
    for _ in range(NUM_STEPS):
        envs.step(generator.uniform(-0.5, 0.5, envs.action_space.shape).astype(np.float32))
    state = envs.sim_state()[:1].copy()
    envs.close()
    model = load_model(MODELS / task.model_file)
    with StateRenderer(
        model, task.camera, backend=choose_backend(), width=SMALL_PX, height=SMALL_PX, style=style
    ) as renderer:
        return renderer.render(state)[0]


def main() -> None:
    """Write all of them."""
    montage = Image.new("RGB", (3 * SMALL_PX, 3 * SMALL_PX))
    for index, env_id in enumerate(PAPER_TASKS):
        corner = (index % 3 * SMALL_PX, index // 3 * SMALL_PX)
        montage.paste(Image.fromarray(picture(env_id, DEFAULT_STYLE)), corner)
    montage.save(IMAGES / "render-tasks.png", optimize=True)
    for name, style in (("before", MUJOCO_STYLE), ("after", DEFAULT_STYLE)):
        Image.fromarray(picture("ShortHalfCheetah-v1", style)).save(IMAGES / f"render-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
