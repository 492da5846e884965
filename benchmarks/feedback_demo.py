"""Fill a data folder with an experiment of synthetic clips and curves, to look at the pages.

python benchmarks/feedback_demo.py --data-dir /tmp/demo
"""

import argparse
import io
import math
import random
import tempfile
import uuid
from pathlib import Path

from rl_teacher.server.commands import open_folder
from rl_teacher.server.settings import default_data_dir

parser = argparse.ArgumentParser()
parser.add_argument("--data-dir", type=Path, default=default_data_dir())
parser.add_argument("--name", default="demo")
parser.add_argument("--pairs", type=int, default=60)
args = parser.parse_args()
open_folder(args.data_dir)

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from rl_teacher.server.hashing import file_hash  # noqa: E402
from rl_teacher.server.models import Experiment  # noqa: E402
from rl_teacher.server.transactions import report, upload  # noqa: E402


class Demo:
    """Makes it."""

    def make(self, name: str, pairs: int) -> None:
        """Run."""
        body = {
            "env_id": "ShortHopper-v1",
            "config": {"seed": 1},
            "config_hash": "demo",
            "labels_wanted": 175,
            "guideline": "Prefer the clip in which the **dot goes further right**.\n\n- Ignore the color.\n",
        }
        experiment, _ = upload.ensure_experiment(name, body)
        rows = []
        for number in range(pairs):
            a, b = (self._clip(experiment, number * 2 + i) for i in (0, 1))
            rows.append(upload.NewComparison(uuid.uuid5(uuid.NAMESPACE_URL, f"{experiment.slug}/{number}"), a, b))
        for start in range(0, len(rows), 256):
            upload.create_comparisons(experiment, rows[start : start + 256])
        self._curves(experiment)
        report.heartbeat(experiment, "training", 500_000, 20.0)
        print(f"experiment {experiment.slug}: {pairs} pairs")

    def _clip(self, experiment: Experiment, number: int) -> uuid.UUID:
        import numpy as np

        speed = random.Random(number).uniform(0.2, 1.0)
        video = draw(speed, number)
        file = io.BytesIO()
        np.savez(file, obs=np.full((20, 3), speed, np.float32), actions=np.zeros((20, 1), np.float32))
        arrays = file.getvalue()
        for data, kind in ((video, "video/mp4"), (arrays, "application/x-npz")):
            upload.put_blob(settings.DATA, experiment, file_hash(data), kind, io.BytesIO(data).read)
        clip_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{experiment.slug}/clip/{number}")
        clip = {
            "mp4": file_hash(video),
            "webm": None,
            "arrays": file_hash(arrays),
            "fps": 20.0,
            "n_frames": 30,
            "hold_frames": 5,
            "width": 160,
            "height": 120,
            "step": number * 5000,
            "seed": number,
            "ret": speed * 10,
            "meta": {},
        }
        upload.put_clip(experiment, clip_id, clip)
        if number % 30 == 0:
            report.add_video(experiment, number * 5000, file_hash(video))
        return clip_id

    def _curves(self, experiment: Experiment) -> None:
        now, points = timezone.now().timestamp(), []
        for i in range(100):
            step, rise = i * 5000, 1 - math.exp(-i / 30)
            values = {
                "true_return": 300 * rise,
                "predicted_return": 20 * rise,
                "reward_accuracy": 0.5 + 0.4 * rise,
                "disagreement": 0.2 * (1 - rise),
                "reward_loss": 0.7 * (1 - 0.6 * rise),
            }
            points += [
                report.Point(name, step, now - (100 - i) * 60, value + random.uniform(-0.02, 0.02))
                for name, value in values.items()
            ]
        report.add_metrics(experiment, points)


def draw(speed: float, number: int, frames: int = 35) -> bytes:
    """An mp4 of a dot that goes right."""
    import av
    import numpy as np

    path = Path(tempfile.mkstemp(suffix=".mp4")[1])
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=20, options={"g": "1", "bf": "0", "profile": "baseline", "crf": "28"}
        )
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for t in range(frames):
            image = np.full((120, 160, 3), 235, np.uint8)
            x = int(10 + min(t, 29) / 29 * speed * 130)
            image[50:70, x : x + 20] = [(number * 37) % 200, 80, 160]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    data = path.read_bytes()
    path.unlink()
    return data


Demo().make(args.name, args.pairs)
