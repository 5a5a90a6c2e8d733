"""What a person's charting programs keep with us."""

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """From 0004 to 0005."""
    op.create_table(
        "chart_settings",
        Column("user_id", String(32), primary_key=True),
        Column("name", String(50), primary_key=True),
        Column("value", Text, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
    )
