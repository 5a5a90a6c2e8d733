"""What programs keep with us."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from bridge.kit.database import metadata

# Settings of charting programs: whatever they like, each under a name.
chart_settings = Table(
    "chart_settings",
    metadata,
    Column("user_id", String(32), primary_key=True),
    Column("name", String(50), primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    Column("updated_at", BigInteger, nullable=False),
)
