"""Every setting of a run with its default; flags, --help and docs/config.md are made from these fields."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rl_teacher.config.agents import PPOConfig, SACConfig, TRPOConfig
from rl_teacher.config.reward import RewardModelConfig
from rl_teacher.config.schedule import ScheduleConfig
from rl_teacher.errors import require

DEFAULT_LABELS = 1400
DEFAULT_HUMAN_PRETRAIN_LABELS = 175
MAX_TASK = 140
"""Characters of a task in one sentence: more does not fit above the clips."""

NO_AGENT = "dataset"
"""Who acted where `rl-teacher label` asks about a data set: in the place of an agent."""


@dataclass(frozen=True, slots=True)
class SelectionConfig:
    """Which comparisons are asked."""

    rule: str = "uniform"
    """uniform, disagreement, mutual_info or sorted. While more than three of four answers are ties, half of the clips
    of all but sorted are rare ones."""
    candidates: int = 10
    """Candidate pairs per wanted comparison."""
    pool_iterations: int = 4
    """Segments of this many recent iterations may be asked about."""
    segments_per_iteration: int = 128
    """Segments cut from each rollout."""
    list_clips: int = 32
    """sorted: clips of a list; when all are placed, a fresh list begins."""

    def __post_init__(self) -> None:
        require(8 <= self.list_clips <= 128, "selection.list_clips", self.list_clips, "in 8..128")
        require(self.candidates >= 1, "selection.candidates", self.candidates, "at least 1")
        require(self.pool_iterations >= 1, "selection.pool_iterations", self.pool_iterations, "at least 1")
        num = self.segments_per_iteration
        require(num >= 2, "selection.segments_per_iteration", num, "at least 2")


@dataclass(frozen=True, slots=True)
class TeacherConfig:
    """Parameters of a synthetic teacher that replace those of its preset; unset ones keep it."""

    rationality: float | None = None
    """Beta: P(left) = sigmoid(beta * (return left - return right)); unset for a teacher who is always right."""
    rationality_per_std: bool = False
    """Measure beta per standard deviation of segment returns."""
    discount: float | None = None
    """Gamma of a myopic teacher, who weighs the last step by 1 and earlier ones by its powers."""
    mistake_prob: float | None = None
    """Share of answers that are flipped."""
    skip_threshold: float | None = None
    """Epsilon of skipping: can't tell when both returns are below this share of the mean."""
    equal_threshold: float | None = None
    """Epsilon of ties: returns closer than this share of the mean are equal."""
    bpref_compat: bool = False
    """Square the two thresholds after the first round, as B-Pref's code does by mistake."""


@dataclass(frozen=True, slots=True)
class HumanConfig:
    """How people are asked."""

    guideline: str = ""
    """The guide for people, in Markdown: all that --task does not say; without --task its first line is the task. Can
    be changed on the page."""
    open_pairs: int = 12
    """Comparisons that wait for people while the agent trains; those asked before training are all open at once."""
    refresh_seconds: float = 30.0
    """A third of the open comparisons is taken back and replaced by new ones this often [s], unless as many were
    answered meanwhile."""
    clip_workers: int = 2
    """Processes of low priority that draw clips."""
    clip_px: int | None = None
    """Width and height of clips of the nine tasks [pixels], even; unset: 480, or 320 on fewer than four processors,
    where larger ones would hold up the training."""
    webm: bool = False
    """Make a VP9 copy of each clip from the start; else once a browser without H.264 asks. It costs as much time as the
    rest of a clip."""
    open_browser: bool = True
    """Open the labeling page, where a terminal and a display are."""
    data_dir: str = ""
    """Data folder of the feedback server that is started here when --server is not given; unset:
    RL_TEACHER_FEEDBACK_DIR, or ~/rl-teacher/feedback."""
    port: int = 8000
    """Its port; if that is taken, any free one, unless `public_url` leads to it."""
    host: str = "127.0.0.1"
    """0.0.0.0 lets phones and friends in the same network in, by a link that is printed with its QR code."""
    public_url: str = ""
    """Address of a tunnel that leads to its port, for friends elsewhere: https://..."""
    keep_server: bool = False
    """Let it go on when the run ends."""
    stay: bool = True
    """Where the server would stop with the run: stay at the end until somebody has seen it, or Ctrl-C."""

    def __post_init__(self) -> None:
        require(self.open_pairs >= 1, "human.open_pairs", self.open_pairs, "at least 1")
        require(self.refresh_seconds > 0, "human.refresh_seconds", self.refresh_seconds, "above 0")
        require(self.clip_workers >= 1, "human.clip_workers", self.clip_workers, "at least 1")
        require(
            self.clip_px is None or (64 <= self.clip_px <= 1920 and self.clip_px % 2 == 0),
            "human.clip_px", self.clip_px, "even, in 64..1920",
        )  # fmt: skip
        require(0 <= self.port < 2**16, "human.port", self.port, "in 0..65535")
        require(
            self.host in ("127.0.0.1", "0.0.0.0"), "human.host", self.host,
            "127.0.0.1 (this machine alone) or 0.0.0.0 (its whole network)",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One training run.

    >>> config = RunConfig(env_id="ShortHopper-v1", predictor="synth", name="hop", n_labels=100)
    >>> config.num_timesteps, config.ppo.num_envs
    (5000000, 64)
    >>> RunConfig(num_timesteps=0)
    Traceback (most recent call last):
    rl_teacher.errors.ConfigError: -t/--num_timesteps: got 0, expected at least 1.
    """

    env_id: str = ""
    """Environment: one of the nine tasks (ShortHopper-v1), or a Gymnasium id."""
    predictor: str = ""
    """Where the reward comes from: rl (true reward), synth (synthetic labels), human (answers of people)."""
    name: str = ""
    """Name of the run and of its folder."""
    seed: int = 1
    """Seed of everything: same seed, same bytes on the same machine."""
    workers: int = 0
    """Threads that step the environments; 0 for all processors. Results do not depend on it."""
    rollout_workers: int = 0
    """Processes that step the environments, where a step takes long: by Ray, docs/cluster.md. 0 for none but this one.
    Results do not depend on it."""
    on: str = ""
    """Where they are: `auto` for the Ray cluster that this machine is a node of, ray://HOST:10001 for one elsewhere, or
    HOST:PORT; unset: on this machine."""
    n_labels: int | None = None
    """Label budget, met exactly; turns on the annealed schedule."""
    pretrain_labels: int | None = None
    """Labels before any training; unset: a quarter of the budget; of less than 200 labels up to 50, up to half."""
    num_timesteps: int = 5_000_000
    """Environment steps, exactly."""
    agent: str = "ppo"
    """ppo, trpo, sac, or path/to/file.py:Class; parallel_trpo and pposgd_mpi, as in 2017, are accepted."""
    pretrain_iters: int | None = None
    """Gradient steps of networks as reward model before training; unset: by the number of labels."""
    no_videos: bool = False
    """Record no videos of the nine tasks' robots as they learn (videos/ in the run folder)."""
    video_seconds: float = 60.0
    """Time between two videos [s]; the first comes after a third of it."""
    clip_length: float | None = None
    """Length of a segment [s]; unset: 1.5, at most an episode, and 64 steps where episodes can end early."""
    teacher: str = "oracle"
    """oracle, stochastic, mistake, skip, equal, myopic, openai2017, or path/to/file.py:function."""
    task: str = ""
    """What the agent is to learn, in one sentence for people, which stands above the clips; unset: the nine tasks have
    one, and for other environments the labeling page asks its owner. Can be changed on the page, and with --resume."""
    preset: str = "default"
    """default, openai2017 or paper: the settings of the program of 2017, or of its paper; flags that are given win."""
    pretrain_rollouts: str = "held_actions"
    """What acts while the first segments are gathered: random_actions, which are new at each step; held_actions, of
    which every second environment repeats each for 0.3 s of a clip, on average; or policy."""
    resume: bool = False
    """Continue a run that was interrupted."""
    server: str = ""
    """Address of the feedback server; unset: RL_TEACHER_SERVER, or one is started on this machine."""
    token: str = ""
    """Trainer token of that server (`rl-teacher token create NAME`); unset: RL_TEACHER_TOKEN. Never written down."""
    runs_dir: str = "~/rl-teacher/runs"
    """Folder of the run folders."""
    tb_dir: str = "~/tb/rl-teacher"
    """Folder of the TensorBoard files."""
    ppo: PPOConfig = field(default_factory=PPOConfig)
    """Settings of PPO."""
    trpo: TRPOConfig = field(default_factory=TRPOConfig)
    """Settings of TRPO."""
    sac: SACConfig = field(default_factory=SACConfig)
    """Settings of SAC."""
    reward: RewardModelConfig = field(default_factory=RewardModelConfig)
    """Settings of the reward model."""
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    """Settings of query selection."""
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Settings of when comparisons are asked."""
    synthetic: TeacherConfig = field(default_factory=TeacherConfig)
    """Settings of the synthetic teacher."""
    human: HumanConfig = field(default_factory=HumanConfig)
    """Settings of `-p human`."""

    def __post_init__(self) -> None:
        require(self.num_timesteps >= 1, "-t/--num_timesteps", self.num_timesteps, "at least 1")
        require(
            len(self.task) <= MAX_TASK and self.task == " ".join(self.task.split()),
            "--task", self.task, f"one line of at most {MAX_TASK} characters",
        )  # fmt: skip
        require(0 <= self.seed < 2**32, "-s/--seed", self.seed, "in 0..2^32-1")
        require(self.video_seconds > 0, "--video_seconds", self.video_seconds, "above 0")
        require(self.workers >= 0, "-w/--workers", self.workers, "at least 0")
        require(self.rollout_workers >= 0, "--rollout_workers", self.rollout_workers, "at least 0")
        require(
            not self.on or self.rollout_workers > 0,
            "--on", self.on, "nothing without --rollout_workers, which says how many there are",
        )  # fmt: skip
        require(self.n_labels is None or self.n_labels >= 1, "-l/--n_labels", self.n_labels, "at least 1")
        require(
            self.pretrain_labels is None or self.pretrain_labels >= 1,
            "-L/--pretrain_labels", self.pretrain_labels, "at least 1",
        )  # fmt: skip
        require(
            self.pretrain_iters is None or self.pretrain_iters >= 1,
            "-i/--pretrain_iters", self.pretrain_iters, "at least 1",
        )  # fmt: skip
        require(
            self.clip_length is None or (math.isfinite(self.clip_length) and self.clip_length > 0),
            "-c/--clip_length", self.clip_length, "above 0 seconds",
        )  # fmt: skip
        if self.n_labels is not None and self.pretrain_labels is not None:
            require(
                self.pretrain_labels <= self.n_labels,
                "-L/--pretrain_labels", self.pretrain_labels, f"at most the {self.n_labels} labels of -l",
            )  # fmt: skip

    @property
    def agent_config(self) -> PPOConfig | TRPOConfig | SACConfig:
        """The section of the chosen agent; an agent of your own has that of PPO."""
        if self.agent == "trpo":
            return self.trpo
        return self.sac if self.agent == "sac" else self.ppo


# What may differ between a run and its resumption: where things are and how fast, never what is learned.
FREE_ON_RESUME = frozenset(
    {"resume", "runs_dir", "tb_dir", "workers", "rollout_workers", "on", "no_videos", "video_seconds"}
    | {"server", "token", "human", "task"}
)


def to_json(config: RunConfig) -> dict[str, Any]:
    """The configuration as plain JSON values, without the token, which is a secret."""
    return dataclasses.asdict(dataclasses.replace(config, token=""))


OLD_VALUES = {"preset": {"seed": "openai2017"}, "teacher": {"seed": "openai2017"}}
"""Setting -> how a value was called before -> its name today."""


def of_today(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a user or a run folder of an earlier version spells them, in the names of today."""
    known = {
        name: OLD_VALUES[name].get(value, value) if name in OLD_VALUES and isinstance(value, str) else value
        for name, value in values.items()
    }
    if isinstance(known.get("schedule"), str):  # a word alone, as long as nothing else of a schedule could be set
        known["schedule"] = dataclasses.asdict(ScheduleConfig(kind=known["schedule"]))
    return known


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Settings that differ between two configurations, as 'name: old -> new', those free on resume left out."""
    found = []
    if not prefix:
        old, new = of_today(old), of_today(new)
    for name in sorted(old.keys() | new.keys()):
        if not prefix and name in FREE_ON_RESUME:
            continue
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{prefix}{name}.")
        elif _listed(before) != _listed(after):
            found.append(f"{prefix}{name}: {before} -> {after}")
    return found


def _listed(value: Any) -> Any:
    """A tuple as the list that JSON makes of it."""
    return list(value) if isinstance(value, tuple) else value
