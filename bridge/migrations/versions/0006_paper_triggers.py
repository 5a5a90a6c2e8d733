"""Standing instructions of the paper broker, and books that may begin anew."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, String, Text, UniqueConstraint

revision = "0006"
down_revision = "0005"

# BigInteger primary keys count by themselves on SQLite only as INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """From 0005 to 0006."""
    op.create_table(
        "paper_triggers",
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
        Column("last_price", String(40), nullable=False),
        Column("unit_margin", String(40), nullable=False),
        Column("state", String(20), nullable=False),
        Column("order_id", String(32)),
        Column("message", Text),
        Column("placed_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        UniqueConstraint("account_id", "ref"),
        Index("ix_paper_triggers_account_state", "account_id", "state"),
    )
    op.add_column("paper_accounts", Column("resets", Integer, nullable=False, server_default="0"))
    op.add_column("paper_accounts", Column("reset_at", BigInteger))
    op.add_column("paper_pockets", Column("opening", String(40), nullable=False, server_default="0"))
    # What an older pocket began with was not written down: it begins with what this day began with.
    pockets = sa.table("paper_pockets", sa.column("opening"), sa.column("capital"))
    op.execute(pockets.update().values(opening=pockets.c.capital))
