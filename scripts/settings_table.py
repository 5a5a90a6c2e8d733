"""Prints README's table of settings from the class that reads them.

uv run scripts/settings_table.py            prints the table
uv run scripts/settings_table.py --write    puts it between README's two markers
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from bridge.kit.settings import Settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- settings -->\n", "<!-- /settings -->"


def table(settings: type[BaseSettings] = Settings) -> str:
    """Name, default and meaning of every setting, as Markdown, in the class's order."""
    prefix = settings.model_config.get("env_prefix", "")
    rows = [
        f"| `{(prefix + name).upper()}` | {shown_default(field)} | {field.description} |"
        for name, field in settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows, ""])


def shown_default(field: FieldInfo) -> str:
    """The default as one would type it; a setting without one says so."""
    value = field.default
    if value in (None, PydanticUndefined, "") or value == ():
        return "not set"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def with_table(readme: str, rows: str) -> str:
    """README with that table between its markers."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{rows}\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(with_table(README.read_text(encoding="utf-8"), table()), encoding="utf-8")
    else:
        print(table(), end="")
