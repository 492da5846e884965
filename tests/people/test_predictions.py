"""What people are shown of the reward model: a chance from before it learned, curves from after."""

import dataclasses
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_server import InstantWorkers, SmallServer, frames

from rl_teacher.core.arrays import NO_END, RewardInput, Segments
from rl_teacher.people.audience import Audience
from rl_teacher.people.client.outbox import Outbox
from rl_teacher.people.feedback_session import FeedbackSession
from rl_teacher.people.predictions import predict_answers
from rl_teacher.people.saliency import saliency_picture
from rl_teacher.people.uploader import ClipUploader, SentIds
from rl_teacher.preferences.fitted import Fit
from rl_teacher.records import Comparison


class Linear:
    """Members that pay a weight times the observation plus the action; the reward is their mean."""

    def __init__(self, *weights: float) -> None:
        self.weights = weights

    def member_returns(self, inputs: RewardInput) -> np.ndarray:
        return np.stack([self._rewards(inputs, weight).sum(-1) for weight in self.weights])

    def __call__(self, inputs: RewardInput) -> np.ndarray:
        return np.mean([self._rewards(inputs, weight) for weight in self.weights], axis=0)

    def wants_fit(self, num_changes: int) -> bool:
        return False

    def fit(self, data: Any, num_steps: int, key: Any) -> Any:
        raise AssertionError("nobody fits it")

    def _rewards(self, inputs: RewardInput, weight: float) -> np.ndarray:
        return weight * np.asarray(inputs.obs)[..., 0] + np.asarray(inputs.action)[..., 0]


def row(name: str, *obs: float, action: float = 0.0) -> Segments:
    """A segment with these observations of one number each; nothing else of it matters."""
    steps, zero = len(obs), np.zeros(1, np.int64)
    return Segments(
        id=np.array([name], "U36"), obs=np.array(obs, np.float32).reshape(1, steps, 1),
        reward_action=np.full((1, steps, 1), action, np.float32), env_action=np.full((1, steps, 1), 99.0, np.float32),
        true_reward=np.full((1, steps), 99.0, np.float32), sim_state=np.zeros((1, steps, 0)),
        env=zero, episode=zero, start=zero, iteration=zero, end=zero + NO_END,
        next_obs=np.zeros((1, steps, 0)),
    )  # fmt: skip


def predict(pairs: list[tuple[Comparison, Segments, Segments]], before: Any, after: Any) -> Any:
    return predict_answers(pairs, 700, before, after)


def pair(left: Segments, right: Segments, name: str = "x") -> tuple[Comparison, Segments, Segments]:
    return Comparison(name, str(left.id[0]), str(right.id[0]), 3), left, right


def test_the_chance_is_of_before_and_the_mean_of_the_members_and_the_curves_are_of_after():
    # Returns before: left 1 + 2 = 3, right 1 + 0 = 1, each times 1 and -0.5: gaps of 2 and -1.
    # Rewards after, of weight 10, and the action's 0.5 on the left: 10.5, 20.5 and 10, 0.
    left, right = row("a", 1.0, 2.0), row("b", 1.0, 0.0)
    (found,) = predict([pair(left, right)], Linear(1.0, -0.5), Linear(10.0))
    assert found.p_left == pytest.approx((1 / (1 + math.exp(-2)) + 1 / (1 + math.exp(1))) / 2)
    assert (found.comparison, found.step) == ("x", 700)
    (found,) = predict([pair(row("a", 1.0, 2.0, action=0.5), right)], Linear(1.0), Linear(10.0))
    assert (found.left, found.right) == ((10.5, 20.5), (10.0, 0.0))


def test_sides_exchanged_exchange_the_chances_and_equal_sides_are_even():
    left, right = row("a", 0.3, -0.2), row("b", 0.9, 0.4)
    one, other, even = predict([pair(left, right), pair(right, left), pair(left, left)], Linear(1.0, 3.0), Linear(1.0))
    assert one.p_left + other.p_left == pytest.approx(1.0)
    assert (one.left, one.right) == (other.right, other.left)
    assert even.p_left == 0.5


@pytest.mark.parametrize("num", [1, 2, 3, 5, 8])
def test_each_comparison_is_predicted_as_if_it_were_alone(num: int):
    pairs = [pair(row(f"a{i}", float(i), 1.0), row(f"b{i}", 0.5, -1.0), name=str(i)) for i in range(num)]
    before, after = Linear(0.1, 0.2), Linear(2.0)
    together = predict(pairs, before, after)
    assert together == [predict([one], before, after)[0] for one in pairs]
    assert [one.comparison for one in together] == [str(i) for i in range(num)]


def test_a_model_that_is_sure_gives_a_number():
    (found,) = predict([pair(row("a", 1e6), row("b", -1e6))], Linear(1e6), Linear(1.0))
    assert found.p_left == pytest.approx(1.0)
    assert found.is_finite


def test_what_a_fit_made_of_the_answers_reaches_the_server(tmp_path: Path):
    server = SmallServer()
    client = server.client()
    outbox = Outbox(tmp_path / "outbox", client)
    uploader = ClipUploader(InstantWorkers(), outbox, SentIds(tmp_path / "sent.jsonl"), 20, False)  # type: ignore[arg-type]
    session = FeedbackSession(client, outbox, uploader, frames)
    session.start()
    fit = Fit(Linear(0.0), Linear(10.0), {}, ("x",))
    Audience(session, "http://small/e/run/label").report_fit(700, fit, [pair(row("a", 1.0, 2.0), row("b", 1.0, 0.0))])
    session.close(is_done=True)
    # before the fit nothing told the sides apart
    assert server.predictions == [{"comparison": "x", "step": 700, "p_left": 0.5, "a": [10.0, 20.0], "b": [10.0, 0.0]}]


class Looking(Linear):
    """Says that it looks at the first pixel."""

    def saliency(self, x: RewardInput) -> np.ndarray:
        maps = np.zeros((len(x.obs), *np.shape(x.obs)[2:4]), np.float32)
        maps[:, 0, 0] = 1.0
        return maps

    def _rewards(self, inputs: RewardInput, weight: float) -> np.ndarray:
        return weight * np.asarray(inputs.obs)[..., 0, 0, 0].astype(float)


def of_pictures(name: str, level: int) -> Segments:
    return dataclasses.replace(row(name, 1, 2, 3), obs=np.full((1, 3, 9, 8, 2), level, np.uint8))


def test_of_pictures_people_see_where_it_looks():
    pair = (Comparison("c", "a", "b", 0), of_pictures("a", 100), of_pictures("b", 200))
    (found,) = predict_answers([pair], 5, Looking(1.0), Looking(1.0))
    assert found.left_picture is not None
    assert found.right_picture is not None
    left, right = (np.asarray(Image.open(io.BytesIO(png))) for png in (found.left_picture, found.right_picture))
    assert left.shape == (9, 8, 3)
    assert left[0, 0].tolist() == right[0, 0].tolist() == [255, 122, 0]
    assert (left[1:] == 100).all()
    assert (right[1:] == 200).all()


def test_of_vectors_there_is_no_picture():
    pair = (Comparison("c", "a", "b", 0), row("a", 1.0), row("b", 2.0))
    (found,) = predict_answers([pair], 5, Linear(1.0), Linear(1.0))
    assert (found.left_picture, found.right_picture) == (None, None)


def test_the_second_most_is_seen_too():
    """Of a quarter of the most the root is 0.5, and (0.5 - 0.2) / 0.8 = 0.375 of it is orange; of 0.03 it is 0.17."""
    png = saliency_picture(np.full((1, 3, 1), 80, np.uint8), np.array([[1.0, 0.25, 0.03]]))
    # 0.625 * 80 + 0.375 * (255, 122, 0) = (145.6, 95.75, 50)
    assert np.asarray(Image.open(io.BytesIO(png)))[0].tolist() == [[255, 122, 0], [146, 96, 50], [80, 80, 80]]
