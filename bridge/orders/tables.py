"""The journal and the rows it explains. See `docs/decisions/` for times as integers and decimals as text."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text, UniqueConstraint, text

from bridge.kit.database import metadata

# BigInteger primary keys count by themselves on SQLite only as INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), nullable=False),
    Column("source_id", String(32), nullable=False),
    Column("strategy_id", String(32), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("content_type", String(120), nullable=False),
    Column("body", Text, nullable=False),  # secrets masked
    Column("body_hash", String(64), nullable=False),
    Column("dedupe_key", String(200)),
    Column("sender", String(64), nullable=False),
    Column("dialect", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("status", String(12), nullable=False),  # accepted, refused, duplicate, noted
    Column("code", String(60)),
    Column("message", Text),
    Column("duplicate_of", String(32)),
    Column("trace", Text, nullable=False),  # JSON: the steps up to the commit, with milliseconds
    Column("reply", Text, nullable=False),
    Index("ix_alerts_user_time", "user_id", "received_at"),
    Index("ix_alerts_source_time", "source_id", "received_at"),
)

# What was seen before: by the sender's id for seven days, by body for the window.
dedupe = Table(
    "dedupe",
    metadata,
    Column("source_id", String(32), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("alert_id", String(32), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

intents = Table(
    "intents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("alert_id", String(32), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("strategy_id", String(32), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("state", String(20), nullable=False),
    Column("result", String(10)),
    Column("code", String(60)),
    Column("message", Text),
    Column("payload", Text, nullable=False),  # JSON: the intent as the dialect read it
    Column("plan", Text, nullable=False),  # JSON: multiplier, product, basket policy
    Column("settings", Text, nullable=False),  # JSON: the settings it was planned under
    Column("exchange", String(20), nullable=False),
    Column("symbol", String(60), nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("ix_intents_account_state", "account_id", "state"),
    Index("ix_intents_state", "state", "deadline"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("ref", String(10), nullable=False),
    Column("trading_date", String(10), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("strategy_id", String(32), nullable=False),
    Column("intent_id", String(32), nullable=False, index=True),
    Column("alert_id", String(32), nullable=False, index=True),
    Column("leg", Integer, nullable=False),
    Column("exchange", String(20), nullable=False),
    Column("symbol", String(60), nullable=False),
    Column("product", String(10), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quantity", String(40), nullable=False),
    Column("order_type", String(15), nullable=False),
    Column("price", String(40)),
    Column("trigger_price", String(40)),
    Column("time_in_force", String(5), nullable=False),
    Column("protection", String(20)),
    Column("reduces", SmallInteger, nullable=False),  # 1: takes the position towards zero
    Column("basket", String(10)),  # what this leg does when another leg of its alert fails: stop, continue, unwind
    Column("state", String(20), nullable=False),
    Column("code", String(60)),
    Column("message", Text),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("sends", Integer, nullable=False, server_default="0"),
    Column("deadline", BigInteger, nullable=False),
    Column("filled", String(40), nullable=False, server_default="0"),
    Column("average_price", String(40)),
    Column("pending_op", String(10)),
    Column("broker_order_id", String(80)),
    Column("queued_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),  # when the attempt that left the order unknown was closed
    UniqueConstraint("account_id", "trading_date", "ref"),
    UniqueConstraint("account_id", "trading_date", "broker_order_id"),
    Index("ix_orders_account_state", "account_id", "state"),
    Index("ix_orders_state", "state", "deadline"),
    Index("ix_orders_user_time", "user_id", "queued_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("order_id", String(32), nullable=False, index=True),
    Column("account_id", String(32), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("operation", String(10), nullable=False),  # place, cancel, modify
    Column("fence", BigInteger, nullable=False),
    Column("worker", String(120), nullable=False),
    Column("cursor", Text, nullable=False),  # JSON: broker order ids known before sending
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("outcome", String(12)),  # ACCEPTED, REFUSED, NOT_SENT, UNKNOWN
    Column("reply", Text),
    UniqueConstraint("order_id", "number"),
    Index("ix_attempts_account_opened", "account_id", "opened_at"),
)

fills = Table(
    "fills",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("order_id", String(32), nullable=False),
    Column("account_id", String(32), nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("fill_key", String(80), nullable=False),
    Column("quantity", String(40), nullable=False),
    Column("price", String(40), nullable=False),
    Column("realised", String(40), nullable=False),  # profit this fill closed, before costs
    Column("strategy_id", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("provenance", String(12), nullable=False),
    UniqueConstraint("order_id", "fill_key"),
    Index("ix_fills_account_time", "account_id", "at"),
)

# What each strategy holds at each account, changed in the same transaction as its fill.
positions = Table(
    "positions",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("strategy_id", String(32), primary_key=True),
    Column("exchange", String(20), primary_key=True),
    Column("symbol", String(60), primary_key=True),
    Column("product", String(10), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("quantity", String(40), nullable=False),
    Column("average_price", String(40), nullable=False),
    Column("realised", String(40), nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# Append-only. `txid` is the transaction's number on PostgreSQL (0 on SQLite), for followers: see journal.follow.
events = Table(
    "events",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("txid", BigInteger, nullable=False, server_default=text("0")),
    Column("at", BigInteger, nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("account_id", String(32)),
    Column("alert_id", String(32)),
    Column("intent_id", String(32)),
    Column("order_id", String(32)),
    Column("type", String(40), nullable=False),
    Column("provenance", String(12), nullable=False),
    Column("payload", Text, nullable=False),
    Index("ix_events_txid_seq", "txid", "seq"),
    Index("ix_events_order", "order_id"),
    Index("ix_events_alert", "alert_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("user_id", String(32), nullable=False),
    Column("alert_id", String(32)),
    Column("order_id", String(32)),
    Column("kind", String(40), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("message", Text, nullable=False),
    Column("delivered_at", BigInteger),
    Index("ix_outbox_user_time", "user_id", "at"),
)

leases = Table(
    "leases",
    metadata,
    Column("account_id", String(32), primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("holder", String(120), nullable=False),
    Column("renewed_at", BigInteger, nullable=False),
)

# How much of its daily allowance an account or strategy has used; raised in the transaction that sends.
usage = Table(
    "usage",
    metadata,
    Column("scope_id", String(32), primary_key=True),
    Column("trading_date", String(10), primary_key=True),
    Column("sent", Integer, nullable=False),
)
