"""Alembic calls this. `bridge.kit.schema` hands in the connection; there is no alembic.ini."""

from importlib import import_module
from pathlib import Path

from alembic import context

from bridge.kit.database import metadata

PACKAGE = Path(__file__).resolve().parents[1]

# Every tables.py of the package, found by name: nobody can forget to list one.
for file in sorted(PACKAGE.rglob("tables.py")):
    import_module(".".join(("bridge", *file.relative_to(PACKAGE).with_suffix("").parts)))

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
