"""Pages of long lists: the key of the last row goes into the address of the next page."""

import base64
import json
from typing import Any

from django.http import HttpRequest

PER_PAGE = 50


def cursor_of(request: HttpRequest) -> list[Any] | None:
    """The key after which this page begins; nonsense begins at the start."""
    try:
        found = json.loads(base64.urlsafe_b64decode(request.GET.get("after", "").encode()))
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(part, str) for part in found) else None


def next_url(request: HttpRequest, *key: str) -> str:
    """The address of the page after `key`, with the same filters."""
    query = request.GET.copy()
    query["after"] = base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
    return f"{request.path}?{query.urlencode()}"
