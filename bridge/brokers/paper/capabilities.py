"""What the paper broker can do."""

from bridge.brokers.base import Capabilities
from bridge.domain.intent import OrderType, Product, TimeInForce

CAPABILITIES = Capabilities(
    exchanges=frozenset(
        {"NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO", "NCDEX"}
        | {"NASDAQ", "NYSE", "AMEX", "OPRA", "CME", "FOREX", "CRYPTO"}
    ),
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}),
    products=frozenset(Product),
    time_in_force=frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
    fractional_quantity=True,
    orders_per_second=None,
    paper=True,
    gtt=True,
    margin_estimate=True,
)
