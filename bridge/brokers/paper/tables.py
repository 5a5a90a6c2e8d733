"""The paper broker's own books. Every row belongs to an account and its user; decimals are text, times microseconds."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint

from bridge.kit.database import metadata

_Serial = BigInteger().with_variant(Integer, "sqlite")

# One row an account. Every transaction first raises `version`, which makes transactions of one account queue up.
paper_accounts = Table(
    "paper_accounts",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("trading_date", String(10), nullable=False),  # the day the books stand at
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("resets", Integer, nullable=False, server_default="0"),
    Column("reset_at", BigInteger),
)

# Money of one currency: available = capital + realised - costs - margin - blocked.
paper_pockets = Table(
    "paper_pockets",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("currency", String(8), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("capital", String(40), nullable=False),  # at the start of the day
    Column("realised", String(40), nullable=False),  # today, before costs
    Column("costs", String(40), nullable=False),  # today
    Column("margin", String(40), nullable=False),  # of positions, and what holdings cost
    Column("blocked", String(40), nullable=False),  # for working orders
    Column("opening", String(40), nullable=False, server_default="0"),  # what it began with, or began anew with
)

paper_orders = Table(
    "paper_orders",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("ref", String(40), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("exchange", String(20), nullable=False),
    Column("symbol", String(60), nullable=False),
    Column("currency", String(8), nullable=False),
    Column("product", String(10), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quantity", String(40), nullable=False),
    Column("order_type", String(15), nullable=False),
    Column("price", String(40)),
    Column("trigger_price", String(40)),
    Column("time_in_force", String(5), nullable=False),
    Column("protection", String(20)),
    Column("triggered", SmallInteger, nullable=False),  # 1: a stop whose price was reached
    Column("resting_last", String(40)),  # last price when it came to rest: a limit is touched from beyond
    Column("unit_margin", String(40), nullable=False),  # margin a unit that opens needs
    Column("filled", String(40), nullable=False),
    Column("value", String(40), nullable=False),  # sum of price × quantity traded
    Column("state", String(20), nullable=False),
    Column("code", String(60)),
    Column("message", Text),
    Column("placed_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "ref"),
    Index("ix_paper_orders_account_state", "account_id", "state"),
    Index("ix_paper_orders_account_updated", "account_id", "updated_at"),
)

paper_trades = Table(
    "paper_trades",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("user_id", String(32), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("order_id", String(32), nullable=False),  # empty: the exchange settled an expired contract
    Column("exchange", String(20), nullable=False),
    Column("symbol", String(60), nullable=False),
    Column("currency", String(8), nullable=False),
    Column("product", String(10), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quantity", String(40), nullable=False),
    Column("price", String(40), nullable=False),
    Column("costs", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_paper_trades_account_at", "account_id", "at"),
)

# Net positions of the day; a flat one stays for its realised result until the day ends.
paper_positions = Table(
    "paper_positions",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("exchange", String(20), primary_key=True),
    Column("symbol", String(60), primary_key=True),
    Column("product", String(10), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("currency", String(8), nullable=False),
    Column("quantity", String(40), nullable=False),  # signed units
    Column("cost", String(40), nullable=False),  # what the open units were traded for, positive
    Column("realised", String(40), nullable=False),  # today, before costs
    Column("margin", String(40), nullable=False),
    Column("blocked", String(40), nullable=False),
)

# Delivered stock.
paper_holdings = Table(
    "paper_holdings",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("exchange", String(20), primary_key=True),
    Column("symbol", String(60), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("currency", String(8), nullable=False),
    Column("quantity", String(40), nullable=False),
    Column("cost", String(40), nullable=False),
)

# Standing instructions. `below` is reached by a price that falls to it, `above` by one that rises to it; OCO has both.
paper_triggers = Table(
    "paper_triggers",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("ref", String(40), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("exchange", String(20), nullable=False),
    Column("symbol", String(60), nullable=False),
    Column("currency", String(8), nullable=False),
    Column("product", String(10), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quantity", String(40), nullable=False),
    Column("below", String(40)),
    Column("below_type", String(15)),
    Column("below_limit", String(40)),
    Column("above", String(40)),
    Column("above_type", String(15)),
    Column("above_limit", String(40)),
    Column("last_price", String(40), nullable=False),  # when it was placed or changed
    Column("unit_margin", String(40), nullable=False),  # of its dearer leg; 0: margin is blocked when it fires
    Column("state", String(20), nullable=False),
    Column("order_id", String(32)),  # the order that it placed
    Column("message", Text),
    Column("placed_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    UniqueConstraint("account_id", "ref"),
    Index("ix_paper_triggers_account_state", "account_id", "state"),
)
