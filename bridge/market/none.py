"""No prices at all: instruments are known, quotes are not, until an account or a setting brings some."""

from bridge.market.hand import HandMarket


class NoPrices(HandMarket):
    """The `Market` port of an installation without a source of prices."""

    simulated = False
