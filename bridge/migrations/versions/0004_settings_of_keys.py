"""What a key of the API may do beyond its scopes, and when it was last used."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """From 0003 to 0004."""
    op.add_column("api_keys", Column("settings", Text, nullable=False, server_default="{}"))
    op.add_column("api_keys", Column("last_used_at", BigInteger))
