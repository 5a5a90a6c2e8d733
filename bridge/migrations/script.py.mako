"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """From ${down_revision or "nothing"} to ${up_revision}. The way back is a backup: `bridge db restore`."""
    ${upgrades if upgrades else "op.execute(sa.text(''))"}
