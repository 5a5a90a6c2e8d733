"""Replies as JSON text, written without making anybody else wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

PIECE = 200  # rows written at a time: about a millisecond
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))  # ASCII: what a client sent may be no character at all


async def written(value: Any) -> str:
    """The value as JSON text. A long list is written in pieces: a book of thousands must not make an order wait."""
    if isinstance(value, dict):
        return "{" + ",".join([f"{_JSON.encode(name)}:{await written(value[name])}" for name in value]) + "}"
    if not isinstance(value, list) or len(value) <= PIECE:
        return _JSON.encode(value)
    pieces = []
    for start in range(0, len(value), PIECE):
        pieces.append(_JSON.encode(value[start : start + PIECE])[1:-1])
        await asyncio.sleep(0)
    return f"[{','.join(pieces)}]"


async def reply(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The content as a JSON response."""
    return Response(await written(dict(content)), status, headers=headers, media_type="application/json")
