"""What trainers send: experiments, bytes, clips, comparisons. The same again is the same; other content is refused."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError
from django.db.models import Q
from django.utils import timezone

from rl_teacher.server import blobs
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.guideline_text import plain_text
from rl_teacher.server.hashing import body_hash
from rl_teacher.server.models import Blob, Clip, Comparison, Experiment, Guideline, Membership, User
from rl_teacher.server.notify import notify_on_commit
from rl_teacher.server.problems import Problem
from rl_teacher.server.storage.choose import store_of
from rl_teacher.server.storage.store import blob_key
from rl_teacher.server.transactions.claim import has_two_labelers
from rl_teacher.server.transactions.task import first_line, told_again
from rl_teacher.server.transactions.write import write
from rl_teacher.server.upload_checks import check_upload

TUNABLE = ("labels_wanted", "overlap", "double_rate", "gold_rate", "repeat_rate", "lease_s", "min_view_ms")


def ensure_experiment(slug: str, body: Mapping[str, Any]) -> tuple[Experiment, bool]:
    """Make the experiment or resume it; refuses to resume with another configuration, naming the keys that differ."""
    with write():
        found = Experiment.objects.filter(slug=slug).first()
        if found is not None:
            _check_same(found, body)
            told_again(found, body.get("task") or "")
            return found, False
        given = {name: body[name] for name in TUNABLE if body.get(name) is not None}
        guideline, task = plain_text(body.get("guideline") or ""), body.get("task")
        sentence = first_line(guideline) if task is None else " ".join(task.split())
        experiment = Experiment.objects.create(
            slug=slug,
            env_id=body["env_id"],
            config=body["config"],
            config_hash=body["config_hash"],
            task=sentence,
            task_told=sentence,
            asks_task=task is not None and not sentence,
            has_agent=body.get("has_agent", True),
            has_pixels=body.get("has_pixels", False),
            guideline_version=1 if guideline else 0,
            **given,
        )
        if guideline:
            Guideline.objects.create(experiment=experiment, version=1, markdown=guideline, at=timezone.now())
        for number, user in enumerate(User.objects.filter(is_superuser=True, is_active=True).order_by("pk"), 1):
            Membership.objects.create(experiment=experiment, user=user, role="owner", pseudonym=f"labeler-{number}")
        notify_on_commit(slug)
    return experiment, True


def _check_same(found: Experiment, body: Mapping[str, Any]) -> None:
    if found.config_hash == body["config_hash"] and found.env_id == body["env_id"]:
        return
    old, new = found.config | {"env_id": found.env_id}, body["config"] | {"env_id": body["env_id"]}
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    raise Problem(
        "config-differs",
        f"experiment {found.slug!r}: exists with other values of {', '.join(keys) or 'config_hash'}. "
        "Resume with the old configuration or choose another name.",
        differing={key: {"server": old.get(key), "got": new.get(key)} for key in keys[:50]},
    )


def put_blob(
    folder: DataFolder, experiment: Experiment, sha256: str, content_type: str, read: Callable[[int], bytes]
) -> bool:
    """Store an upload; whether it is new to the experiment."""
    if content_type not in blobs.LIMITS:
        raise Problem("media-type", f"Content-Type {content_type[:80]!r}: expected one of {sorted(blobs.LIMITS)}.")
    key = blob_key(sha256)
    with blobs.receive(folder.blobs, read, blobs.LIMITS[content_type]) as incoming:
        if incoming.sha256 != sha256:
            raise Problem("hash-mismatch", f"the body's sha256 is {incoming.sha256}, the address says {sha256}.")
        check_upload(incoming.path, content_type)
        store_of(folder).keep(key, incoming.path, content_type)
    with write():
        blob, created = Blob.objects.get_or_create(
            experiment=experiment, sha256=sha256, defaults={"size": incoming.size, "content_type": content_type}
        )
    if blob.content_type != content_type:
        raise Problem("body-differs", f"blob {sha256}: stored as {blob.content_type}, got {content_type}.")
    return created


def put_clip(experiment: Experiment, clip_id: uuid.UUID, body: Mapping[str, Any]) -> tuple[Clip, bool]:
    """Make a clip of stored bytes, or add its VP9 copy; refused until all bytes are here."""

    def digest(webm: str | None) -> str:
        return body_hash({"experiment": experiment.slug, **body, "webm": webm})

    with write():
        found = Clip.objects.select_related("webm").filter(pk=clip_id).first()
        has_webm = found is not None and found.webm is not None
        if found is not None:
            said = digest(found.webm.sha256 if has_webm and not body.get("webm") else body.get("webm"))
            if found.experiment_id == experiment.pk and found.body_hash == said:
                return found, False
            if found.experiment_id != experiment.pk or has_webm or found.body_hash != digest(None):
                raise Problem("body-differs", f"clip {clip_id}: exists with other content.")
        names = [body[name] for name in ("mp4", "webm", "arrays") if body.get(name)]
        stored = {blob.sha256: blob for blob in Blob.objects.filter(experiment=experiment, sha256__in=names)}
        missing = [name for name in names if name not in stored]
        if missing:
            raise Problem("blobs-missing", f"clip {clip_id}: upload {', '.join(missing)} first.", missing=missing)
        for part, kind in (("mp4", "video/mp4"), ("webm", "video/webm"), ("arrays", "application/x-npz")):
            if body.get(part) and stored[body[part]].content_type != kind:
                got = stored[body[part]].content_type
                raise Problem("invalid", f"clip {clip_id}: {part} is {got}, expected {kind}.")
        fields = {k: v for k, v in body.items() if k not in ("mp4", "webm", "arrays")}
        webm = stored[body["webm"]] if body.get("webm") else None
        if found is not None:
            found.webm, found.body_hash = webm, digest(body["webm"])
            found.save(update_fields=["webm", "body_hash"])
            notify_on_commit(experiment.slug)
            return found, False
        clip = Clip(
            id=clip_id,
            experiment=experiment,
            mp4=stored[body["mp4"]],
            webm=webm,
            arrays=stored[body["arrays"]],
            body_hash=digest(body.get("webm")),
            **fields,
        )
        clip.save(force_insert=True)
    return clip, True


@dataclass(frozen=True, slots=True)
class NewComparison:
    """A comparison as a trainer asks for it."""

    id: uuid.UUID
    a: uuid.UUID
    b: uuid.UUID
    priority: float = 0.0
    gold_answer: str | None = None
    note: str = ""

    def digest(self, slug: str) -> str:
        """Of what makes it this comparison; the priority may change later."""
        return body_hash([slug, self.id, self.a, self.b, self.gold_answer, self.note])


def create_comparisons(experiment: Experiment, rows: Sequence[NewComparison]) -> dict[str, str]:
    """All of `rows` or none; `created` or `exists` by id."""
    result: dict[str, str] = {}
    with write():
        known = {row.id: row for row in Comparison.objects.filter(pk__in=[row.id for row in rows])}
        clips = set(
            Clip.objects.filter(experiment=experiment, pk__in={c for row in rows for c in (row.a, row.b)}).values_list(
                "pk", flat=True
            )
        )
        wanted = _wanted(experiment)
        for row in rows:
            if row.a == row.b:
                raise Problem("invalid", f"comparison {row.id}: a and b are both {row.a}, expected two clips.")
            missing = [str(clip) for clip in (row.a, row.b) if clip not in clips]
            if missing:
                raise Problem(
                    "blobs-missing", f"comparison {row.id}: upload clip {', '.join(missing)} first.", missing=missing
                )
            old = known.get(row.id)
            if old is not None:
                if old.body_hash != row.digest(experiment.slug):
                    raise Problem("body-differs", f"comparison {row.id}: exists with other content.")
                result.setdefault(str(row.id), "exists")
                continue
            known[row.id] = store_comparison(experiment, row, next(wanted))
            result[str(row.id)] = "created"
        notify_on_commit(experiment.slug)
    return result


def _wanted(experiment: Experiment) -> Iterator[int]:
    """Answers wanted of each new comparison: `overlap`, and spread evenly over them now and then one more."""
    rate = min(1.0, max(0.0, experiment.double_rate)) if has_two_labelers(experiment) else 0.0
    count = Comparison.objects.filter(experiment=experiment).count() if rate else 0
    while True:
        yield experiment.overlap + (int((count + 1) * rate) - int(count * rate))
        count += 1


def store_comparison(experiment: Experiment, row: NewComparison, wanted: int) -> Comparison:
    """A new row, within a transaction that runs already; `wanted` answers of different people."""
    wanted = 0 if row.gold_answer is not None else wanted
    comparison = Comparison(
        id=row.id,
        experiment=experiment,
        a_id=row.a,
        b_id=row.b,
        priority=row.priority,
        wanted=wanted,
        open_slots=wanted,
        gold_answer=row.gold_answer,
        note=row.note,
        created_at=timezone.now(),
        body_hash=row.digest(experiment.slug),
    )
    try:
        comparison.save(force_insert=True)
    except IntegrityError as error:
        raise Problem("invalid", f"comparison {row.id}: {' '.join(str(error).split())}.") from error
    return comparison


def cancel(experiment: Experiment, ids: Sequence[uuid.UUID]) -> list[str]:
    """Ask no more people; whoever has one on the screen may still answer. Which of `ids` are cancelled now."""
    with write():
        rows = Comparison.objects.filter(experiment=experiment, pk__in=ids)
        rows.filter(state="open").update(state="cancelled")
        cancelled = [str(pk) for pk in rows.filter(state="cancelled").values_list("pk", flat=True)]
        notify_on_commit(experiment.slug)
    return cancelled


def set_priority(experiment: Experiment, comparison_id: uuid.UUID, priority: float) -> Comparison:
    """Change how urgent a comparison is."""
    with write():
        rows = Comparison.objects.filter(experiment=experiment, pk=comparison_id)
        if not rows.update(priority=priority):
            raise Problem("not-found", f"comparison {comparison_id}: there is none in {experiment.slug!r}.")
    return rows.get()


def uses_of(sha256: str) -> bool:
    """Whether any row names these bytes."""
    return Blob.objects.filter(Q(sha256=sha256)).exists()
