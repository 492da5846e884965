"""Bytes in an object store: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage."""

import logging
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rl_teacher.errors import ConfigError
from rl_teacher.server.problems import Problem
from rl_teacher.server.storage import ranges
from rl_teacher.server.storage.store import EXPORTS, FRESH_S, SHA256, alone, blob_key

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

log = logging.getLogger("rl_teacher.server")
SCHEMES = ("s3", "gs", "az")
MIB = 1024 * 1024
AT_ONCE = 8 * MIB
"""What is read before the answer begins, so that a store that fails midway gives `busy` and no torn clip."""
PIECE = 256 * 1024
_RETRY: Any = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""Within one call; whoever asked tries again later anyway."""
_CLIENT: Any = {"allow_http": True, "connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=60)}
_SIGNED_S = timedelta(seconds=60)


def open_store(url: str) -> "ObjectStore":
    """The store at s3://bucket/prefix, gs://bucket/prefix or az://container/prefix.

    Credentials, region and endpoint come from the environment, as for each cloud's own programs.

    Raises:
        ConfigError: the address is none, or the extra `cloud` is not installed.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            f"--blobs: got {url!r}, expected s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."
        )
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ModuleNotFoundError as error:
        raise ConfigError(f"--blobs {url}: needs obstore. Install it: pip install 'rl-teacher[cloud]'.") from error
    try:
        store = from_url(url, client_options=_CLIENT, retry_config=_RETRY)
    except (BaseError, ValueError) as error:
        raise ConfigError(f"--blobs {url}: cannot be opened ({_short(error)}).") from error
    return ObjectStore(cast("S3Store | GCSStore | AzureStore", store))


class ObjectStore:
    """Blobs under the names that they have in a data folder's `blobs/`, copies of experiments under `exports/`."""

    def __init__(self, store: "S3Store | GCSStore | AzureStore") -> None:
        self._store = store

    def keep(self, key: str, file: Path, content_type: str) -> None:
        """Put it, unless it is there already: bytes that are named by their hash need not be sent twice."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, NotSupportedError

        about = {"Content-Type": content_type}
        with _busy_if_away(f"put {key}"):
            if key.startswith(EXPORTS):
                obstore.put(self._store, key, file, attributes=about)
                return
            data = file.read_bytes()
            try:
                obstore.put(self._store, key, data, mode="create", use_multipart=False, attributes=about)
            except AlreadyExistsError:
                if self._age_s(key, len(data)) > FRESH_S:
                    with alone():
                        obstore.put(self._store, key, data, use_multipart=False, attributes=about)
            except (NotSupportedError, NotImplementedError):  # of a store without conditions; the bytes are the same
                obstore.put(self._store, key, data, use_multipart=False, attributes=about)

    def _age_s(self, key: str, size: int) -> float:
        """Since when it is there [s]; for ever, if it is not or is not this one."""
        import obstore

        try:
            found = obstore.head(self._store, key)
        except FileNotFoundError:
            return float("inf")
        return _age_s(found) if found["size"] == size else float("inf")

    def fetch(self, key: str, target: Path) -> None:
        """Stream it into a file."""
        import obstore

        with _busy_if_away(f"get {key}"):
            found = obstore.get(self._store, key)
            with target.open("wb") as file:
                for piece in found.stream(min_chunk_size=PIECE):
                    file.write(piece)

    def older_than(self, seconds: float) -> Iterator[str]:
        """By the time at which the store got it."""
        import obstore

        with _busy_if_away("list"):
            for page in obstore.list(self._store):
                for found in page:
                    name = found["path"].rpartition("/")[2]
                    if SHA256.fullmatch(name) and found["path"] == blob_key(name) and _age_s(found) > seconds:
                        yield name

    def delete_if_older(self, sha256: str, seconds: float) -> bool:
        """Ask once more, then delete."""
        import obstore

        key = blob_key(sha256)
        with _busy_if_away(f"delete {key}"):
            try:
                if _age_s(obstore.head(self._store, key)) <= seconds:
                    return False
            except FileNotFoundError:
                return False
            obstore.delete(self._store, key)
        return True

    def try_out(self) -> None:
        """Put, get and delete a kilobyte."""
        import obstore

        key, data = f"checks/{secrets.token_hex(8)}", secrets.token_bytes(1024)
        with _busy_if_away("a check"):
            obstore.put(self._store, key, data, use_multipart=False)
            try:
                if bytes(obstore.get(self._store, key).bytes()) != data:
                    raise OSError("it gave back other bytes than it got")
            finally:
                with suppress(FileNotFoundError):
                    obstore.delete(self._store, key)

    async def respond(
        self, request: Request, key: str, content_type: str, headers: Mapping[str, str]
    ) -> Response | None:
        """Through this server, by one request to the store, or two where a range in the middle is asked for."""
        import obstore

        with _busy_if_away(f"get {key}"):
            try:
                if request.method == "HEAD":
                    size = (await obstore.head_async(self._store, key))["size"]
                    return Response(media_type=content_type, headers={**headers, "Content-Length": str(size)})
                if ranges.wants_range(request.headers, headers["ETag"]) and not ranges.is_all(request.headers):
                    return await self._part(request.headers["range"], key, content_type, headers)
                found = await obstore.get_async(self._store, key)
                size = found.meta["size"]
                about, status = {**headers, "Content-Length": str(size)}, 200
                if ranges.wants_range(request.headers, headers["ETag"]):
                    about["Content-Range"], status = f"bytes 0-{size - 1}/{size}", 206
                if size > AT_ONCE:
                    pieces = cast(AsyncIterator[bytes], found.stream(min_chunk_size=PIECE))
                    return StreamingResponse(_bytes(pieces), status, about, content_type)
                return Response(bytes(await found.bytes_async()), status, about, content_type)
            except FileNotFoundError:
                return None

    async def _part(self, header: str, key: str, content_type: str, headers: Mapping[str, str]) -> Response:
        import obstore

        size = (await obstore.head_async(self._store, key))["size"]
        try:
            start, stop = ranges.range_of(header, size)
        except ranges.NotSatisfiable:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        stop = min(stop, start + AT_ONCE)  # a player asks for the rest
        data = bytes(await obstore.get_range_async(self._store, key, start=start, end=stop))
        return Response(data, 206, {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"}, content_type)

    async def address(self, key: str, seconds: int) -> str | None:
        """Signed by the store's own rules: whoever has it may read this one object for so long."""
        import obstore

        with _busy_if_away(f"sign {key}"):
            return str(await obstore.sign_async(self._store, "GET", key, timedelta(seconds=seconds)))

    def origin(self) -> str:
        """Scheme and host of such addresses, which pages must allow."""
        import obstore

        with _busy_if_away("sign"):
            parts = urlsplit(str(obstore.sign(self._store, "GET", "checks/none", _SIGNED_S)))
        return f"{parts.scheme}://{parts.netloc}"


async def _bytes(pieces: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        yield bytes(piece)


def _age_s(found: Any) -> float:
    return float((datetime.now(UTC) - found["last_modified"]).total_seconds())


@contextmanager
def _busy_if_away(what: str) -> Iterator[None]:
    """What the store does not do now it may do later; only that something is not there is an answer."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        log.warning("object store: %s failed (%s)", what, _short(error))
        raise Problem(
            "busy", "the store of clips is away or busy just now. Nothing is lost; the same call may work later."
        ) from error


def _short(error: BaseException) -> str:
    """One line of what obstore says in many."""
    return " ".join(str(error).split("Debug source")[0].split())[:300]
