"""What an account may read: orders page by page, trades, positions, holdings, funds, its session."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tests.fakebroker import fills
from tests.fakebroker.book import Book, Order, plain
from tests.fakebroker.forms import Refused, good
from tests.fakebroker.knobs import Knobs
from tests.fakebroker.pace import Pace, iso
from tests.fakebroker.replies import error
from tests.fakebroker.wire import Answer, Request


def owned(book: Book, request: Request, account: str) -> Order:
    """The order in the path; raises `Refused` if the account has none of that id."""
    order = book.orders.get(request.path.split("/")[2])
    if order is None or order.account != account:
        raise Refused(error(404, "OrderException", "No such order"))
    return order


class Books:
    """Read-only answers. An expired session that does not say so sees everything empty."""

    def __init__(self, book: Book, knobs: Knobs, pace: Pace, expired: Callable[[], bool]) -> None:
        self._book, self._knobs, self._pace, self._expired = book, knobs, pace, expired

    def _seen(self, account: str) -> list[Order]:
        now = self._pace.now()
        return [] if self._expired() else [each for each in self._book.of(account) if each.visible_at <= now]

    def orders(self, request: Request, account: str) -> Answer:
        seen, size = self._seen(account), self._knobs.page_size
        page = int(request.query.get("page", "1"))
        pages = max(1, -(-len(seen) // size))
        rows = [
            each.encode(self._knobs.tag_echo, self._knobs.clock_offset_s)
            for each in seen[(page - 1) * size : page * size]
        ]
        head = f'{{"status":"success","data":{{"page":{page},"pages":{pages},"total":{len(seen)},"orders":['
        return Answer(body=b"".join((head.encode(), b",".join(rows), b"]}}")))

    def one_order(self, request: Request, account: str) -> Answer:
        order = owned(self._book, request, account)
        if order not in self._seen(account):
            return error(404, "OrderException", "No such order")
        return good(order.row(self._knobs.tag_echo, self._knobs.clock_offset_s))

    def trades(self, request: Request, account: str) -> Answer:
        trades = [] if self._expired() else self._book.visible_trades(account, self._pace.now())
        return good([trade.row(self._knobs.clock_offset_s) for trade in trades])

    def positions(self, request: Request, account: str) -> Answer:
        if self._expired():
            return good([])
        rows = []
        for (symbol, exchange, product), held in self._book.positions(account, self._pace.now()).items():
            last = fills.last_price(symbol, self._knobs.prices)
            row = {"symbol": symbol, "exchange": exchange, "product": product, "quantity": plain(held.net)}
            row |= {"average_price": plain(round(held.average, 6)), "last_price": plain(last)}
            row |= {"realised": plain(held.realised), "unrealised": plain(held.net * (last - held.average))}
            rows.append(row)
        return good(rows)

    def holdings(self, request: Request, account: str) -> Answer:
        return good([] if self._expired() else self._knobs.holdings.get(account, []))

    def funds(self, request: Request, account: str) -> Answer:
        held = [] if self._expired() else list(self._book.positions(account, self._pace.now()).values())
        used = sum((abs(each.net) * each.average for each in held), Decimal(0))
        realised = sum((each.realised for each in held), Decimal(0))
        capital = Decimal(str(self._knobs.capital))
        row = {"capital": capital, "available": capital + realised - used, "used_margin": used, "realised": realised}
        return good({name: plain(value) for name, value in row.items()} | {"unrealised": 0, "currency": "INR"})

    def session(self, request: Request, account: str) -> Answer:
        return good({"account": account, "time": iso(self._pace.now() + self._knobs.clock_offset_s)})
