"""What must be stored for what was pressed."""

import hashlib


def clip_digests(experiment):
    return {clip_id: hashlib.sha256(film).hexdigest() for clip_id, film in experiment.clips.items()}


def expected(event, side, shown, digests):
    """What must be stored when `side` was pressed while `shown` played."""
    if side in ("tie", "cant_tell"):
        return side
    sides = {digests[event["a"]]: "a", digests[event["b"]]: "b"}
    return sides[shown[side]]
