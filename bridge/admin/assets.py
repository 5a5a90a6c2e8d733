"""Style, fonts and icons, served by us: read once at start, named by what they contain."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".woff2": "font/woff2", ".svg": "image/svg+xml", ".txt": "text/plain"}
_FOR_A_YEAR = "public, max-age=31536000, immutable"


class Assets:
    """The files of `static/` in memory. `version` changes with any of them; addresses carry it, so browsers may keep them."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._files = {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.suffix in _TYPES}
        self.version = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]

    async def serve(self, request: Request) -> Response:
        """`/static/{version}/{name}`: one of those files, or 404."""
        name = str(request.path_params["name"])
        content = self._files.get(name)
        if content is None or request.path_params["version"] != self.version:
            return Response(status_code=404)
        return Response(content, media_type=_TYPES[Path(name).suffix], headers={"Cache-Control": _FOR_A_YEAR})
