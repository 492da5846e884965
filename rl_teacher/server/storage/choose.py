"""Which store a server has."""

from functools import lru_cache

from django.conf import settings

from rl_teacher.errors import ServerFault
from rl_teacher.server.data_folder import DataFolder
from rl_teacher.server.problems import Problem
from rl_teacher.server.storage.local import LocalStore
from rl_teacher.server.storage.objects import ObjectStore, open_store
from rl_teacher.server.storage.store import Store


def store_of(folder: DataFolder) -> Store:
    """The object store that the server was started with, else the folder itself."""
    url = settings.RL_TEACHER.blobs
    return _opened(url) if url else LocalStore(folder)


@lru_cache(maxsize=4)
def _opened(url: str) -> ObjectStore:
    return open_store(url)


def media_origin() -> str:
    """From where pages fetch clips if not from this server; empty: from this server."""
    config = settings.RL_TEACHER
    return _opened(config.blobs).origin() if config.blobs and config.media == "redirect" else ""


def check_store(folder: DataFolder) -> None:
    """Raise ServerFault unless an object store takes and gives bytes now, as whoever started the server thinks."""
    if not settings.RL_TEACHER.blobs:
        return
    try:
        store_of(folder).try_out()
    except (OSError, Problem) as error:
        cause = " ".join(str(error.__cause__ or error).split("Debug source")[0].split())[:300]
        raise ServerFault(
            f"--blobs {settings.RL_TEACHER.blobs}: cannot be written and read ({cause}). Check the name, the "
            "credentials and the address in the environment (docs/server.md, Clips in an object store)."
        ) from error
