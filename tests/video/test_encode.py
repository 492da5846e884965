"""Clips are decoded again and looked at, pixel by pixel."""

import io

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from rl_teacher.errors import VideoFault
from rl_teacher.video.encode import decode_clip, encode_clip

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def four_corners(num_frames: int = 5, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """Red top left, green top right, blue bottom left, white bottom right."""
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    frames[:, : height // 2, : width // 2] = RED
    frames[:, : height // 2, width // 2 :] = GREEN
    frames[:, height // 2 :, : width // 2] = BLUE
    frames[:, height // 2 :, width // 2 :] = WHITE
    return frames


def files(**kwargs: int) -> list[bytes]:
    clip = encode_clip(four_corners(**kwargs), fps=10)
    assert clip.webm is not None
    return [clip.mp4, clip.webm]


def test_red_top_left_stays_top_left_in_both_formats() -> None:
    for file in files():
        for picture in decode_clip(file):
            for row, column, color in ((8, 8, RED), (8, 88, GREEN), (56, 8, BLUE), (56, 88, WHITE)):
                np.testing.assert_allclose(picture[row, column].astype(int), color, atol=12)


def test_the_last_frame_is_held_a_fifth_of_a_second() -> None:
    # fps 40: int(0.2 * 40) = 8 more;  fps 10: int(0.2 * 10) = 2;  fps 4: int(0.8) = 0
    for fps, hold in ((40, 8), (10, 2), (4, 0)):
        frames = four_corners(num_frames=3)
        frames[2] = 128
        clip = encode_clip(frames, fps)
        assert (clip.hold_frames, clip.num_frames) == (hold, 3 + hold)
        for file in (clip.mp4, clip.webm):
            assert file is not None
            pictures = decode_clip(file)
            assert len(pictures) == 3 + hold
            np.testing.assert_allclose(pictures[2:].astype(int), 128, atol=8)
            np.testing.assert_allclose(pictures[1, 8, 8].astype(int), RED, atol=12)


@pytest.mark.parametrize("fps", [10, 30, 40])
def test_the_rate_is_constant_and_there_is_no_sound(fps: int) -> None:
    clip = encode_clip(four_corners(num_frames=12), fps)
    for file in (clip.mp4, clip.webm):
        assert file is not None
        with av.open(io.BytesIO(file)) as container:
            assert [stream.type for stream in container.streams] == ["video"]
            assert container.streams.video[0].average_rate == fps
            times = [frame.time for frame in container.decode(video=0)]
        np.testing.assert_allclose(np.diff(times), 1 / fps, atol=0.0011)  # webm counts in milliseconds


def test_odd_sides_are_padded_by_the_last_pixel() -> None:
    frames = np.full((2, 63, 95, 3), 40, np.uint8)
    frames[:, -1, :] = 200
    clip = encode_clip(frames, fps=10)
    assert (clip.width, clip.height) == (96, 64)
    picture = decode_clip(clip.mp4)[0]
    assert picture.shape == (64, 96, 3)
    np.testing.assert_allclose(picture[63].astype(int), 200, atol=12)
    np.testing.assert_allclose(picture[30].astype(int), 40, atol=12)


@pytest.mark.parametrize(("num_frames", "keyframes"), [(18, 20), (28, 3)])
def test_short_clips_have_keyframes_only_and_long_ones_every_tenth(num_frames: int, keyframes: int) -> None:
    # at 10 fps 2 frames are held: 18 + 2 = 20 are 2.0 s, all keyframes; 28 + 2 = 30 have one at 0, 10 and 20
    clip = encode_clip(four_corners(num_frames=num_frames), fps=10)
    for file in (clip.mp4, clip.webm):
        assert file is not None
        with av.open(io.BytesIO(file)) as container:
            pictures = list(container.decode(video=0))
        assert sum(picture.key_frame for picture in pictures) == keyframes
        assert all(picture.pict_type in (1, 2) for picture in pictures)  # FFmpeg: 1 is I, 2 is P, 3 would be B


def test_the_index_comes_before_the_pictures() -> None:
    mp4 = files()[0]
    assert 0 < mp4.index(b"moov") < mp4.index(b"mdat")


def test_same_frames_same_bytes() -> None:
    assert files() == files()


def test_larger_frames_are_averaged_down_to_the_size_asked_for() -> None:
    clip = encode_clip(four_corners(height=72, width=108), fps=10, size=(96, 64))
    assert (clip.width, clip.height) == (96, 64)
    assert clip.webm is not None
    for file in (clip.mp4, clip.webm):
        for picture in decode_clip(file):
            assert picture.shape == (64, 96, 3)
            for row, column, color in ((8, 8, RED), (8, 88, GREEN), (56, 8, BLUE), (56, 88, WHITE)):
                np.testing.assert_allclose(picture[row, column].astype(int), color, atol=20)


def test_without_webm_there_is_none() -> None:
    assert encode_clip(four_corners(), fps=10, with_webm=False).webm is None


@pytest.mark.parametrize(
    ("frames", "fps", "text"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), 10, r"\(0, 8, 8, 3\)"),
        (np.zeros((2, 8, 8), np.uint8), 10, r"\(2, 8, 8\)"),
        (np.zeros((2, 8, 8, 3), np.float32), 10, "float32"),
        (np.zeros((2, 8, 8, 3), np.uint8), 0, "fps: got 0"),
    ],
)
def test_what_is_no_clip_is_refused_with_its_value(frames: NDArray[np.uint8], fps: int, text: str) -> None:
    with pytest.raises(VideoFault, match=text):
        encode_clip(frames, fps)


def test_bytes_that_are_no_video_are_refused() -> None:
    with pytest.raises(VideoFault, match="9 bytes"):
        decode_clip(b"not video")
