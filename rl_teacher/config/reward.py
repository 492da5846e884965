"""Settings of the reward models."""

from dataclasses import dataclass

from rl_teacher.errors import require


@dataclass(frozen=True, slots=True)
class RewardModelConfig:
    """How the reward model is built and fitted."""

    model: str = "auto"
    """gp (Gaussian process), cnn (convolutional network, for pictures) or ensemble (of networks, as in 2017); or one
    that learns nothing: constant, untrained. auto: gp, but cnn of pictures of more than 1,024 numbers."""
    num_members: int = 3
    """Draws from the Gaussian process, or networks in the ensemble: where they disagree, labels are asked for."""
    refit_growth: float = 0.1
    """Fit again when the labels have grown by this share since the last fit."""
    doubtful_refit_growth: float = 0.03
    """The same where a Gaussian process finds that some answers may be wrong: each new one may tell which."""
    random_answer_prob: float | None = None
    """Share of answers taken as coin flips; unset: the Gaussian process finds it in the answers, networks take 0.
    Christiano et al. 2017 use 0.1 for people, section 2.2.3."""
    normalize: bool = True
    """Give the reward standard deviation 1 on recent frames, and mean 0 where no episode can end early."""
    pessimism: float = 0.0
    """Subtract this many standard deviations over members from the reward; negative explores."""
    joint_features: int = 256
    """Gaussian process: functions of all inputs at once, beside 1 + 8 of each input, products of two and squares."""
    sees_turns: bool = True
    """Gaussian process: an angle of what can turn all the way round is seen as its sine and cosine, so that two poses
    that look alike are worth the same."""
    sees_meetings: bool = True
    """Gaussian process of pictures of at most 1,024 numbers: sees what is after a step where another thing was before
    it, so that a thing that is taken is told from one that is near."""
    hidden: tuple[int, ...] = (64, 64)
    """Networks, as all that follows: units of the hidden layers."""
    tanh_output: bool = True
    """Bound each network's output to +-1."""
    learning_rate: float = 3e-4
    """AdamW's step size. PEBBLE's Adam has the same."""
    minibatch_size: int = 64
    """Most comparisons per gradient step."""
    warm_start: bool = False
    """Go on from the last fit; else each fit begins with the same networks, so that they depend on the labels alone."""
    passes_per_fit: float = 100.0
    """Gradient steps of a fit = passes * labels / minibatch, within the two limits below."""
    min_steps: int = 100
    """Fewest gradient steps of a fit."""
    max_steps: int = 200
    """Most gradient steps of a fit."""
    label_smoothing: float = 0.05
    """Targets are drawn this far towards each other. STAR's value for few labels."""
    bootstrap: bool = False
    """Give each member its own fixed Poisson(1) weight of each label, which leaves out a share of 1/e."""
    held_out: float = 0.1
    """Without bootstrap, the share of the labels that each of several members leaves out, to be judged by."""
    num_crops: int = 0
    """Random crops of each segment per gradient step, beside the whole."""
    max_frames: int = 30
    """Frames of a segment that a gradient step looks at, evenly spread from a random offset; 0 for all."""
    min_crop: float = 0.7
    """Shortest crop, as a share of the segment."""
    max_crop: float = 0.9
    """Longest crop, as a share of the segment."""
    weight_decay: float = 1e-4
    """Decoupled weight decay at the start; adapted when `adapt_weight_decay`."""
    adapt_weight_decay: bool = True
    """Keep validation / training loss within 1.1-1.5 by changing the weight decay, as the paper did."""
    dropout: float = 0.0
    """Share of hidden units dropped while fitting; the program of 2017 had 0.5."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    picture_features: int = 64
    """Convolutional network, as all that follows: numbers between a picture and the reward."""
    picture_learning_rate: float = 1e-3
    """AdamW's step size."""
    picture_decay: float = 1e-2
    """Decoupled weight decay."""
    picture_dropout: float = 0.5
    """Share of the numbers between picture and reward that are dropped while fitting."""
    picture_frames: int = 13
    """Frames of a segment that a gradient step looks at, evenly spread from a random offset."""
    picture_first_passes: float = 30.0
    """Passes over the labels of the first fit."""
    picture_passes: float = 4.0
    """Passes of each later one, which goes on from the one before."""

    def __post_init__(self) -> None:
        require(self.num_members >= 1, "reward.num_members", self.num_members, "at least 1")
        require(self.joint_features >= 1, "reward.joint_features", self.joint_features, "at least 1")
        require(len(self.hidden) >= 1 and min(self.hidden) >= 1, "reward.hidden", self.hidden, "positive sizes")
        for name, growth in (("", self.refit_growth), ("doubtful_", self.doubtful_refit_growth)):
            require(growth >= 0, f"reward.{name}refit_growth", growth, "at least 0")
        require(self.learning_rate > 0, "reward.learning_rate", self.learning_rate, "above 0")
        require(self.minibatch_size >= 1, "reward.minibatch_size", self.minibatch_size, "at least 1")
        require(1 <= self.min_steps <= self.max_steps, "reward.min_steps", self.min_steps, "in 1..reward.max_steps")
        coins = self.random_answer_prob
        require(coins is None or 0 <= coins < 1, "reward.random_answer_prob", coins, "in [0, 1)")
        require(0 <= self.label_smoothing < 0.5, "reward.label_smoothing", self.label_smoothing, "in [0, 0.5)")
        require(0 <= self.held_out < 1, "reward.held_out", self.held_out, "in [0, 1)")
        require(self.num_crops >= 0, "reward.num_crops", self.num_crops, "at least 0")
        require(0 < self.min_crop <= self.max_crop <= 1, "reward.min_crop", self.min_crop, "in (0, reward.max_crop]")
        require(0 <= self.dropout < 1, "reward.dropout", self.dropout, "in [0, 1)")
        require(self.picture_features >= 1, "reward.picture_features", self.picture_features, "at least 1")
        require(self.picture_learning_rate > 0, "reward.picture_learning_rate", self.picture_learning_rate, "above 0")
        require(self.picture_decay >= 0, "reward.picture_decay", self.picture_decay, "at least 0")
        require(0 <= self.picture_dropout < 1, "reward.picture_dropout", self.picture_dropout, "in [0, 1)")
        require(self.picture_frames >= 1, "reward.picture_frames", self.picture_frames, "at least 1")
        require(self.picture_first_passes > 0, "reward.picture_first_passes", self.picture_first_passes, "above 0")
        require(self.picture_passes > 0, "reward.picture_passes", self.picture_passes, "above 0")
        require(self.max_frames >= 0, "reward.max_frames", self.max_frames, "at least 0")
