"""The webhook route in OpenAPI's words; written by hand, because the route is no FastAPI route (decision 0002)."""

from __future__ import annotations

from typing import Any

PATH = "/hook/{public_id}/{secret}"

ANSWERS = {
    "202": "Kept. `status` is accepted, or duplicate when this alert was here before.",
    "400": "The body is not UTF-8 text, or the id in a header is not one. Nothing was kept.",
    "401": "The source wants a signature.",
    "403": "The source does not take alerts from this address.",
    "404": "Address or secret is not known.",
    "405": "Only POST is answered.",
    "408": "The body did not arrive in time.",
    "409": "The same id came before with another message. Nothing was sent.",
    "413": "More than 64 KiB.",
    "415": "Compressed or multipart.",
    "422": "Kept and refused: `code` is stable, `message` says what to do.",
    "429": "Too fast; wait for `Retry-After`.",
    "503": "Nothing can be stored now; send it again after `Retry-After`.",
}


def path_item() -> dict[str, Any]:
    """The entry below `paths`."""
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("public_id", "secret")
    ]
    return {
        "post": {
            "tags": ["webhooks"],
            "summary": "Take one alert, in any dialect",
            "operationId": "take_alert",
            "parameters": [
                *in_path,
                {
                    "name": "Idempotency-Key",
                    "in": "header",
                    "required": False,
                    "schema": {"type": "string", "maxLength": 200},
                },
            ],
            "requestBody": {
                "required": True,
                "description": "The content type is a hint, never trusted.",
                "content": {"application/json": {"schema": {}}, "text/plain": {"schema": {"type": "string"}}},
            },
            "responses": {status: {"description": sentence} for status, sentence in ANSWERS.items()},
        }
    }
