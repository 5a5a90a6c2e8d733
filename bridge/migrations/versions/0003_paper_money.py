"""The paper broker's own books."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Text, UniqueConstraint

revision = "0003"
down_revision = "0002"

# BigInteger primary keys count by themselves on SQLite only as INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """From 0002 to 0003."""
    op.create_table(
        "paper_accounts",
        Column("account_id", String(32), primary_key=True),
        Column("user_id", String(32), nullable=False, index=True),
        Column("trading_date", String(10), nullable=False),
        Column("version", BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "paper_pockets",
        Column("account_id", String(32), primary_key=True),
        Column("currency", String(8), primary_key=True),
        Column("user_id", String(32), nullable=False, index=True),
        Column("capital", String(40), nullable=False),
        Column("realised", String(40), nullable=False),
        Column("costs", String(40), nullable=False),
        Column("margin", String(40), nullable=False),
        Column("blocked", String(40), nullable=False),
    )
    op.create_table(
        "paper_orders",
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
        Column("triggered", SmallInteger, nullable=False),
        Column("resting_last", String(40)),
        Column("unit_margin", String(40), nullable=False),
        Column("filled", String(40), nullable=False),
        Column("value", String(40), nullable=False),
        Column("state", String(20), nullable=False),
        Column("code", String(60)),
        Column("message", Text),
        Column("placed_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        UniqueConstraint("account_id", "ref"),
        Index("ix_paper_orders_account_state", "account_id", "state"),
        Index("ix_paper_orders_account_updated", "account_id", "updated_at"),
    )
    op.create_table(
        "paper_trades",
        Column("seq", _Serial, primary_key=True),
        Column("id", String(32), nullable=False, unique=True),
        Column("user_id", String(32), nullable=False),
        Column("account_id", String(32), nullable=False),
        Column("order_id", String(32), nullable=False),
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
    op.create_table(
        "paper_positions",
        Column("account_id", String(32), primary_key=True),
        Column("exchange", String(20), primary_key=True),
        Column("symbol", String(60), primary_key=True),
        Column("product", String(10), primary_key=True),
        Column("user_id", String(32), nullable=False, index=True),
        Column("currency", String(8), nullable=False),
        Column("quantity", String(40), nullable=False),
        Column("cost", String(40), nullable=False),
        Column("realised", String(40), nullable=False),
        Column("margin", String(40), nullable=False),
        Column("blocked", String(40), nullable=False),
    )
    op.create_table(
        "paper_holdings",
        Column("account_id", String(32), primary_key=True),
        Column("exchange", String(20), primary_key=True),
        Column("symbol", String(60), primary_key=True),
        Column("user_id", String(32), nullable=False, index=True),
        Column("currency", String(8), nullable=False),
        Column("quantity", String(40), nullable=False),
        Column("cost", String(40), nullable=False),
    )
