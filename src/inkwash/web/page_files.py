"""The static files of the page, with a hash of their content as the entity tag."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Scope


class PageFiles(StaticFiles):
    """The files of the page, which a browser revalidates by their content and not by their dates.

    An exported page that was served at this address before has files of the same names, whose dates may be later.
    """

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file with a hash of its content, or 304 to a browser that has this content: its date proves nothing."""
        tag = _entity_tag(os.fspath(full_path), stat_result.st_mtime_ns, stat_result.st_size)
        response = FileResponse(full_path, status_code, {"etag": tag}, stat_result=stat_result)
        known = Headers(scope=scope).get("if-none-match", "").split(",")
        return (
            NotModifiedResponse(response.headers)
            if tag in [each.strip().removeprefix("W/") for each in known]
            else response
        )


@lru_cache(maxsize=256)
def _entity_tag(path: str, mtime_ns: int, size: int) -> str:
    """Return a hash of the content of a file, quoted; it is read anew when its time or size has changed."""
    return f'"{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32]}"'
