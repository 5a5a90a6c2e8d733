"""What is looked at of a request before its body: the address it names, and a few headers in one pass."""

from __future__ import annotations

from starlette.types import Scope

from bridge.kit.addresses import Address, Networks, parse_address, sender_of
from bridge.webhooks.replies import BAD_KEY, CODING, MULTIPART, TOO_LARGE, Refused
from bridge.webhooks.senders import is_tradingview_certificate

Headers = dict[bytes, bytes]

_WANTED = frozenset(
    {
        b"content-length",
        b"content-encoding",
        b"content-type",
        b"idempotency-key",
        b"webhook-id",
        b"webhook-timestamp",
        b"webhook-signature",
        b"x-forwarded-for",
        b"x-ssl-client-s-dn",
        b"x-ssl-client-verify",
    }
)
_LONGEST_KEY = 200
_LONGEST_TYPE = 200


def address_of(scope: Scope) -> tuple[str, str]:
    """Public id and secret of `/hook/{public_id}/{secret}`, with or without the mount's path in front; otherwise empty."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    parts = path.removeprefix(root).split("/", 4)
    if len(parts) == 4 and parts[1] == "hook":
        del parts[1]
    return (parts[1], parts[2]) if len(parts) == 3 and not parts[0] else ("", "")


def headers_of(scope: Scope) -> Headers:
    """The headers the door looks at. One that stands twice is a list, as HTTP says, so that no line of it is overlooked."""
    found: Headers = {}
    for name, value in scope["headers"]:
        if name in _WANTED:
            found[name] = found[name] + b", " + value if name in found else value
    return found


def refuse_unreadable(headers: Headers, largest: int) -> None:
    """Raises `Refused` for a body that would not be read anyway."""
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        raise Refused(CODING)
    if headers.get(b"content-type", b"")[:10].lower() == b"multipart/":
        raise Refused(MULTIPART)
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 18 or int(length) > largest):
        raise Refused(TOO_LARGE)


def content_type_of(headers: Headers) -> str:
    """The content type as a hint; empty when it is missing or not fit to be kept."""
    text = headers.get(b"content-type", b"").decode("latin-1")
    return text if len(text) <= _LONGEST_TYPE and text.isascii() and text.isprintable() else ""


def idempotency_key_of(headers: Headers) -> str | None:
    """The sender's own id of the alert: webhook-id before Idempotency-Key, because a signature covers only the former.
    Raises `Refused` for one that cannot be kept: an alert whose key is dropped could act twice."""
    value = headers.get(b"webhook-id", headers.get(b"idempotency-key"))
    if value is None:
        return None
    text = value.decode("latin-1")
    if not (0 < len(text) <= _LONGEST_KEY and text.isascii() and text.isprintable()):
        raise Refused(BAD_KEY)
    return text


def peer_of(scope: Scope) -> Address | None:
    """Who is connected; None when the server does not know it (a Unix socket)."""
    client = scope.get("client")
    return parse_address(client[0]) if client else None


def sender_in(headers: Headers, peer: Address | None, proxies: Networks) -> Address | None:
    """The sender's address: the peer's, or what a trusted peer says in X-Forwarded-For."""
    return sender_of(peer, headers.get(b"x-forwarded-for", b"").decode("latin-1"), proxies)


def shows_certificate(headers: Headers) -> bool:
    """Whether the headers of a trusted proxy say that it has verified TradingView's client certificate. A subject
    without the verdict proves nothing: proxies also pass on that of a certificate that anybody made."""
    subject = headers.get(b"x-ssl-client-s-dn")
    if subject is None or headers.get(b"x-ssl-client-verify") != b"SUCCESS":
        return False
    return is_tradingview_certificate(subject.decode("latin-1"))
