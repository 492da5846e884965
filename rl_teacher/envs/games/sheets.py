"""What is hidden of a game, and what losing one costs: a sheet for each."""

from dataclasses import dataclass

GAME_STEPS = 1000
"""Agent steps of an episode; the game begins anew inside of it as often as it is over."""
CLIP_STEPS = 25
"""Steps of a clip where nobody says: 1.7 s at 15 pictures per second. Source: Christiano et al. 2017, appendix A.2."""
GAME_FPS = 15
"""Pictures per second of a clip: an Atari runs at 60 Hz, and a step is four of its frames."""
SCREEN_HEIGHT, SCREEN_WIDTH = 210, 160
"""Of an Atari game [pixels]."""
PIXEL_ASPECT = (7, 4)
"""Width of a pixel of it by its height, on a television of 4 : 3: 7 / 4 * 160 / 210 = 4 / 3."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Pixels of the screen, (210, 160); `bottom` and `right` are the first that do not belong to it."""

    top: int
    bottom: int
    left: int = 0
    right: int = SCREEN_WIDTH


@dataclass(frozen=True, slots=True)
class MomentOfLives:
    """When a game shows how many lives are left, where at other times it shows something else."""

    where: Rectangle
    steps_of_start: int
    """From the first picture of a game on."""
    steps_of_loss: int
    """From the first picture after a loss on."""


@dataclass(frozen=True, slots=True)
class AtariSheet:
    """One game of the Arcade Learning Environment."""

    name: str
    """As in 'ALE/Pong-v5'."""
    rom: str
    """Name of its file, as ale-py calls it."""
    price: float
    """What the true reward is less by when a game is over; no agent sees it."""
    hidden: tuple[Rectangle, ...]
    """Black in observations and clips: score, lives, and whatever else counts points."""
    hidden_text: str
    """The same for people, after 'black: '."""
    remembers: bool = False
    """Whether it knows after a reset what was before: then each episode takes the cartridge out, which costs 65 ms."""
    shown_lives: MomentOfLives | None = None
    """Black as well, for as long as it is shown."""


ATARI = {
    sheet.name.lower(): sheet
    for sheet in (
        AtariSheet("Pong", "pong", 0.0, (Rectangle(0, 24),), "the score above the court"),
        AtariSheet("Breakout", "breakout", 5.0, (Rectangle(0, 15),), "score, lives and player above the wall"),
        AtariSheet(
            "BeamRider", "beam_rider", 200.0, (Rectangle(0, 32), Rectangle(32, 41, right=80), Rectangle(183, 190)),
            "score, sector and ships to be shot above the grid, ships left below it", remembers=True,
        ),
        AtariSheet(
            "SpaceInvaders", "space_invaders", 200.0, (Rectangle(0, 20),),
            "both scores, and how many ships are left while that is shown",
            shown_lives=MomentOfLives(Rectangle(185, 193, 84, 96), steps_of_start=33, steps_of_loss=16),
        ),
        AtariSheet("Qbert", "qbert", 500.0, (Rectangle(0, 28),), "score and lives above the pyramid"),
        AtariSheet(
            "Seaquest", "seaquest", 100.0, (Rectangle(0, 30),), "score and lives in the sky", remembers=True
        ),
        AtariSheet("Enduro", "enduro", 0.0, (Rectangle(155, 210),), "distance, day and cars to pass below the road"),
    )
}  # fmt: skip
"""Name in lower case -> its sheet: the seven games of Christiano et al. 2017."""


@dataclass(frozen=True, slots=True)
class MinAtarSheet:
    """One game of MinAtar, which shows neither score nor lives."""

    name: str
    """As in 'MinAtar/Breakout-v1'."""
    module: str
    """Of minatar.environments."""
    price: float
    """What the true reward is less by when a game is over."""
    clip_steps: int = CLIP_STEPS
    """Steps of a clip where nobody says."""


MINATAR = {
    sheet.name.lower(): sheet
    for sheet in (
        MinAtarSheet("Asterix", "asterix", 1.0),
        MinAtarSheet("Breakout", "breakout", 1.0),
        MinAtarSheet("Freeway", "freeway", 0.0, clip_steps=75),  # to cross the road takes 27 and more
        MinAtarSheet("Seaquest", "seaquest", 1.0),
        MinAtarSheet("SpaceInvaders", "space_invaders", 1.0),
    )
}
"""Name in lower case -> its sheet."""
