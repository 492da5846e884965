"""The server as one ASGI app: static files and clips by Starlette, everything else by Django."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from django.conf import settings
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from rl_teacher.server.base_path import BasePath
from rl_teacher.server.bundle import bundle
from rl_teacher.server.guards import Guards
from rl_teacher.server.media import ClipsFirst
from rl_teacher.server.request_threads import DjangoApp, Visits
from rl_teacher.server.settings import PACKAGE, ServerConfig, csp, static_folders
from rl_teacher.server.storage.choose import media_origin

FOREVER = "public, max-age=31536000, immutable"
LABELING = PACKAGE / "static" / "feedback" / "label" / "page.js"


class _ImmutableStatic(StaticFiles):
    """Static files under a URL that changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in (200, 206, 304):
            response.headers["Cache-Control"] = FOREVER
        return response


def make_app(config: ServerConfig, background: Callable[[], AbstractContextManager[None]] = nullcontext) -> ASGIApp:
    """The app; `background` runs beside it for as long as it lives (event journal, backups)."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with background():
            yield

    labeling = bundle(LABELING).encode()

    async def labeling_page(request: Request) -> Response:
        return Response(labeling, media_type="text/javascript", headers={"Cache-Control": FOREVER})

    static = _ImmutableStatic(directory=None, packages=None, check_dir=False)
    static.all_directories = static_folders()  # type: ignore[assignment]
    address = str(settings.STATIC_URL).removeprefix(config.base_path).rstrip("/")
    files = Router([Route("/feedback/label.js", labeling_page), Mount("/", static)])
    visit = Visits()
    routes = [
        Mount(address, GZipMiddleware(files)),
        Mount("/", DjangoApp(visit)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    under = BasePath(ClipsFirst(config.folder, app, visit), config.base_path)
    rules = csp(media_origin())
    return Guards(under, config.hosts, rules, https=config.behind_proxy, base_path=config.base_path)
