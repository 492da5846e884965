"""An experiment, the text its labelers follow, and the curves and videos that its trainer reports."""

import uuid

from django.db import models
from django.utils import timezone


class Experiment(models.Model):
    """One run of a trainer and the answers people gave it."""

    class State(models.TextChoices):
        """What the trainer says it is doing; `paused` is the owner's and beats it."""

        TRAINING = "training", "training"
        WAITING = "waiting", "waiting"
        PAUSED = "paused", "paused"
        DONE = "done", "done"

    slug = models.SlugField(max_length=100, unique=True)
    env_id = models.CharField(max_length=200)
    config = models.JSONField(default=dict)
    config_hash = models.CharField(max_length=128)
    state = models.CharField(max_length=16, choices=State.choices, default=State.TRAINING)
    paused = models.BooleanField(default=False)
    labels_wanted = models.PositiveIntegerField(default=0)
    overlap = models.PositiveSmallIntegerField(default=1)
    """Answers of different people wanted for each comparison."""
    double_rate = models.FloatField(default=0.1)
    """Share of new comparisons wanted once more, as soon as there are two labelers."""
    gold_rate = models.FloatField(default=0.05)
    repeat_rate = models.FloatField(default=0.05)
    lease_s = models.PositiveIntegerField(default=120)
    min_view_ms = models.PositiveIntegerField(default=300)
    next_seq = models.PositiveBigIntegerField(default=0)
    """The newest `seq` of the feed."""
    answered = models.PositiveIntegerField(default=0)
    """Current answers that train (left, right, tie; neither check nor extra)."""
    cant_tell = models.PositiveIntegerField(default=0)
    needs_webm = models.BooleanField(default=False)
    """Whether somebody's browser cannot play H.264, so that the trainer should make VP9 copies of clips."""
    task = models.CharField(max_length=140, blank=True, default="")
    """What the agent is to learn, in one sentence; it stands above the clips."""
    task_told = models.CharField(max_length=140, blank=True, default="")
    """The same as the trainer last said it: to hear it again is no news, whatever the owner made of it since."""
    asks_task = models.BooleanField(default=False)
    """Whether its owner is asked for the task before the first pair is handed out."""
    has_agent = models.BooleanField(default=True)
    """Whether an agent learns from the answers; else a reward does, for a data set."""
    has_pixels = models.BooleanField(default=False)
    """Whether clips are pictures of few and large pixels, as of games, whose edges are to stay sharp."""
    guideline_version = models.PositiveIntegerField(default=0)
    """The newest version of the text."""
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    step = models.PositiveBigIntegerField(null=True, blank=True)
    next_clips_s = models.FloatField(null=True, blank=True)
    training_left_s = models.FloatField(null=True, blank=True)
    """Until the run is over, counted from the last heartbeat, like `next_clips_s` [s]."""
    notice = models.CharField(max_length=500, blank=True, default="")
    """What the trainer wants its owner to know, until it says something else."""
    notice_at = models.DateTimeField(null=True, blank=True)
    first_labels = models.PositiveIntegerField(default=0)
    """Answers with which learning begins; 0: no trainer has said so, as older ones do not."""
    label_budget = models.PositiveIntegerField(default=0)
    """Answers that are wanted in all; 0: as many as people like to give."""
    has_begun = models.BooleanField(default=False)
    """Whether the agent learns from answers by now."""
    relevances = models.CharField(max_length=500, blank=True, default="")
    """What the learned reward depends on, in words: 'more forward velocity of the torso (96 %)'."""
    ending = models.JSONField(null=True, blank=True)
    """How the lesson ended, as `api.bodies.EndingIn` has it; shown while the state is `done`."""
    ending_seen_at = models.DateTimeField(null=True, blank=True)
    """When somebody had it before their eyes for the first time."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "experiment"
        constraints = [
            models.CheckConstraint(condition=models.Q(overlap__gte=1), name="some_overlap"),
            models.CheckConstraint(
                condition=models.Q(state__in=["training", "waiting", "paused", "done"]), name="known_state"
            ),
        ]

    @property
    def goal(self) -> int:
        """How many answers the bar runs to: those with which learning begins, then the budget; 0: there is none."""
        if self.first_labels:
            return self.label_budget if self.has_begun else self.first_labels
        return self.labels_wanted if self.answered <= self.labels_wanted else 0

    def __str__(self) -> str:
        return self.slug

    @property
    def shown_state(self) -> str:
        """The state that people see."""
        if self.state == self.State.DONE:
            return str(self.state)
        if self.paused:
            return "paused"
        return "needs_task" if self.asks_task else str(self.state)

    @property
    def is_held(self) -> bool:
        """Whether no pairs are handed out, for a reason of its owner's."""
        return self.paused or self.asks_task


class Guideline(models.Model):
    """What labelers should judge by; never edited, only followed by a newer version."""

    experiment = models.ForeignKey(Experiment, models.PROTECT, related_name="guidelines")
    version = models.PositiveIntegerField()
    markdown = models.TextField()
    by = models.ForeignKey("feedback.User", models.PROTECT, null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "guideline"
        constraints = [models.UniqueConstraint(fields=["experiment", "version"], name="one_guideline_version")]


class MetricPoint(models.Model):
    """One point of a curve."""

    experiment = models.ForeignKey(Experiment, models.PROTECT)
    name = models.CharField(max_length=100)
    step = models.BigIntegerField()
    value = models.FloatField()
    t = models.FloatField()

    class Meta:
        db_table = "metric_point"
        constraints = [models.UniqueConstraint(fields=["experiment", "name", "step"], name="one_metric_point")]


class AgentVideo(models.Model):
    """The agent at work after `step` steps."""

    experiment = models.ForeignKey(Experiment, models.PROTECT)
    step = models.BigIntegerField()
    blob = models.ForeignKey("feedback.Blob", models.PROTECT)

    class Meta:
        db_table = "agent_video"
        constraints = [models.UniqueConstraint(fields=["experiment", "step"], name="one_agent_video")]


class Export(models.Model):
    """A copy of a whole experiment, made in the background."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    experiment = models.ForeignKey(Experiment, models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey("feedback.User", models.PROTECT, null=True, blank=True)
    state = models.CharField(max_length=16, default="running")
    alive_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "export"
