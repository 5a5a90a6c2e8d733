"""Bad replies by name: what servers, proxies and networks really send instead of an answer.

Each entry makes an `Answer` from the body a good server would have sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.fakebroker.wire import DROP, Answer

Bad = Callable[[bytes], Answer]

PAGE = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><center><h1>502</h1></center></body></html>"
)
CHECK_BOOK = "Order request timed out. Please check the order book and confirm before placing again."


def error(status: int, error_type: str, message: str, *headers: tuple[str, str]) -> Answer:
    """The wire's own error form."""
    said = {"status": "error", "error_type": error_type, "message": message}
    return Answer(status=status, body=json.dumps(said).encode(), headers=headers)


def _always(answer: Answer) -> Bad:
    return lambda good: answer


def _body(body: bytes, status: int = 200, content_type: str = "application/json") -> Bad:
    return _always(Answer(status=status, body=body, content_type=content_type))


def _page(status: int) -> Bad:
    return _body(PAGE, status, "text/html")


def _raw(raw: bytes) -> Bad:
    return _always(Answer(raw=raw, then="close"))


def _head(body: bytes, length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (length, body)


def _redirect(status: int, where: str) -> Bad:
    return _always(Answer(status=status, body=b"", headers=(("Location", where),)))


def _coded(coding: str, body: bytes) -> Bad:
    return _always(Answer(body=body, headers=(("Content-Encoding", coding),)))


BAD_REPLIES: dict[str, Bad] = {
    # the connection
    "drop": _always(DROP),
    "reset": _always(Answer(then="reset")),
    "garbage": _raw(b"\x00\xff\x13 not http at all\r\n\r\n"),
    "status_line_only": _raw(b"HTTP/1.1 200 OK\r\n"),
    "headers_cut": _raw(b"HTTP/1.1 200 OK\r\nContent-Type: applicat"),
    "continue_then_gone": _raw(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body_shorter_than_said": lambda good: Answer(raw=_head(good, len(good) + 100), then="close"),
    "body_longer_than_said": lambda good: Answer(raw=_head(good, len(good) // 2), then="close"),
    "chunks_cut": _raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"status":"success"'),
    "bad_chunk_size": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "huge_header": _raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n{}"),
    "two_lengths": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 7\r\n\r\n{}"),
    # the status
    "no_content": _always(Answer(status=204)),
    "http_202_empty": _body(b"", 202),
    "redirect_301": _redirect(301, "/orders"),
    "redirect_302": _redirect(302, "/login"),
    "redirect_307": _redirect(307, "/orders"),
    "http_400_bare": _body(b"", 400),
    "http_401_page": _page(401),
    "http_403_page": _page(403),
    "http_404": _body(b'{"message":"no Route matched with those values"}', 404),
    "http_405": _body(b"", 405),
    "http_408": _always(error(408, "RequestTimeout", "Request timeout")),
    "http_409": _always(error(409, "ConflictException", "The request is being processed")),
    "http_418": _body(b'{"status":"error","error_type":"TeapotException","message":"unlisted"}', 418),
    "http_422_listed_type": _always(error(422, "InputException", "Listed type under an unlisted status")),
    "http_425": _body(b"", 425),
    "http_429": _body(b'{"message":"Too many requests"}', 429),
    "http_429_page": _page(429),
    "http_499": _body(b"", 499),
    "http_500": _always(error(500, "GeneralException", "Something went wrong")),
    "http_500_listed_type": _always(error(500, "InputException", "Listed type under a server error")),
    "http_501": _body(b"", 501),
    "http_502": _page(502),
    "http_503": _always(error(503, "NetworkException", "The exchange did not answer")),
    "http_503_empty": _body(b"", 503),
    "http_504": _page(504),
    "http_520": _page(520),
    "http_524": _page(524),
    "timeout_400": _always(error(400, "OrderException", CHECK_BOOK)),
    "timeout_400_listed_type": _always(error(400, "InputException", CHECK_BOOK)),
    "unlisted_400": _always(error(400, "ElephantException", "Nobody has listed this")),
    # the body of a 200
    "html_page": _page(200),
    "empty": _body(b""),
    "blank": _body(b" \r\n\t "),
    "cut_json": lambda good: Answer(body=good[: max(1, len(good) * 2 // 3)]),
    "half_multibyte": _body(b'{"status":"success","data":{"order_id":"\xe2\x82'),
    "not_utf8": _body(b'{"status":"success","data":{"order_id":"\xff\xfe"}}'),
    "byte_order_mark": lambda good: Answer(body=b"\xef\xbb\xbf\xef\xbb\xbf" + good),
    "two_documents": lambda good: Answer(body=good + good),
    "jsonp": lambda good: Answer(body=b"callback(" + good + b")", content_type="text/javascript"),
    "json_null": _body(b"null"),
    "json_list": _body(b"[]"),
    "json_string": _body(b'"success"'),
    "json_number": _body(b"200"),
    "empty_object": _body(b"{}"),
    "no_data": _body(b'{"status":"success"}'),
    "data_null": _body(b'{"status":"success","data":null}'),
    "data_list": _body(b'{"status":"success","data":[]}'),
    "data_string": _body(b'{"status":"success","data":"order_id"}'),
    "no_order_id": _body(b'{"status":"success","data":{}}'),
    "order_id_null": _body(b'{"status":"success","data":{"order_id":null}}'),
    "order_id_empty": _body(b'{"status":"success","data":{"order_id":"  "}}'),
    "order_id_object": _body(b'{"status":"success","data":{"order_id":{"id":1}}}'),
    "order_id_true": _body(b'{"status":"success","data":{"order_id":true}}'),
    "order_id_nan": _body(b'{"status":"success","data":{"order_id":NaN}}'),
    "status_missing": _body(b'{"data":{"order_id":"1"}}'),
    "status_unknown": _body(b'{"status":"ok?","data":{"order_id":"1"}}'),
    "error_in_200": _body(b'{"status":"error","error_type":"GeneralException","message":"failed"}'),
    "listed_error_in_200": _body(b'{"status":"error","error_type":"InputException","message":"listed only under 400"}'),
    "error_without_type": _body(b'{"status":"error","message":"failed"}', 400),
    "error_type_is_list": _body(b'{"status":"error","error_type":["InputException"],"message":"x"}', 400),
    "too_deep": _body(b"[" * 100_000 + b"]" * 100_000),
    "endless_number": _body(b'{"status":"success","data":{"order_id":' + b"9" * 6_000 + b"}}"),
    "monster_exponent": _body(b'{"status":"success","data":{"order_id":1e999999999999999999999}}'),
    "gzip_that_is_not": _coded("gzip", b"this is not gzip"),
    "deflate_that_is_not": _coded("deflate", b"\x01\x02\x03"),
    "unknown_coding_garbage": _coded("br", b"\x8b\x0b\x80nope"),
    "larger_than_memory_should_be": _body(b'"' + b"a" * 20_000_000 + b'"'),
}
