"""A server that keeps what it was sent, for samples that can be run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass(frozen=True)
class Recorded:
    """One request."""

    path: str
    headers: dict[str, str]
    body: str
    method: str = "POST"


@dataclass
class Recorder:
    """The address to post to, the answer it gives, and what arrived."""

    status: int = 202
    answer: str = '{"status":"accepted"}'
    address: str = ""
    requests: list[Recorded] = field(default_factory=list)


@contextmanager
def recording(status: int = 202) -> Iterator[Recorder]:
    """A recorder on a free port of this machine, gone at the end."""
    recorder = Recorder(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorder.requests.append(Recorded(self.path, headers, body, self.command))
            self.send_response(recorder.status)
            self.end_headers()
            self.wfile.write(recorder.answer.encode())

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder.address = f"http://127.0.0.1:{server.server_port}/hook/public/secret"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()
