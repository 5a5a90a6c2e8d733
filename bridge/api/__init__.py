"""What programs ask: our own JSON API under `/api/v1`, for reading."""

from bridge.api.routes import create

__all__ = ["create"]
