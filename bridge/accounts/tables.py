"""Who may do what, with which settings."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text

from bridge.kit.database import metadata

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(10), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("disabled", SmallInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", String(64), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("key_hash", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("settings", Text, nullable=False, server_default="{}"),
    Column("last_used_at", BigInteger),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("broker", String(40), nullable=False),
    Column("settings", Text, nullable=False, server_default="{}"),
    Column("credentials", Text, nullable=False, server_default=""),
    Column("rest_url", Text),
    Column("stream_url", Text),
    Column("disabled", SmallInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
)

strategies = Table(
    "strategies",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("settings", Text, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("public_id", String(40), nullable=False, unique=True),
    Column("user_id", String(32), nullable=False, index=True),
    Column("strategy_id", String(32), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("old_secret_hash", String(64)),
    Column("old_secret_until", BigInteger),
    Column("settings", Text, nullable=False, server_default="{}"),
    Column("disabled", SmallInteger, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
)

# Kill switches. scope: global, user, account, strategy, source; scope_id is '' for global.
switches = Table(
    "switches",
    metadata,
    Column("scope", String(10), primary_key=True),
    Column("scope_id", String(40), primary_key=True),
    Column("stopped", SmallInteger, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", String(100), nullable=False),
)

# Raised by every change above; each process compares it with what it has in memory.
revision = Table(
    "revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

Index("ix_sources_user_strategy", sources.c.user_id, sources.c.strategy_id)
