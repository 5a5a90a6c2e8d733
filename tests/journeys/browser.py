"""What a person sees of the pages."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx

SILENT = frozenset({"script", "style", "svg"})


class Browser:
    """Signed in, and reading."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self._client = httpx.Client(base_url=address, headers={"Origin": address}, follow_redirects=True, timeout=30)
        form = self._client.get("/signin").text
        csrf = re.search(r'name="csrf" value="(\w+)"', form)
        assert csrf, form
        answer = self._client.post("/signin", data={"csrf": csrf[1], "name": name, "password": password})
        assert answer.url.path == "/", words_of(answer.text)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def read(self, page: str) -> str:
        """The words of a page."""
        answer = self._client.get(page)
        assert answer.status_code == 200, f"{page}: {answer.status_code}"
        return words_of(answer.text)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words += data.split()


def words_of(html: str) -> str:
    """The text of a page, with single blanks."""
    reader = _Words()
    reader.feed(html)
    return " ".join(reader.words)
