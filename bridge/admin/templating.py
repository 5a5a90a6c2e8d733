"""Jinja2 with everything escaped, and the few filters that templates use."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

import bridge
from bridge.admin import figures
from bridge.admin.theme import THEMES
from bridge.domain.instrument import parse_symbol


def folder() -> Path:
    """`templates/` of a checkout, `bridge/templates/` of an installed wheel."""
    package = Path(bridge.__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


class Templates:
    """Renders `templates/admin/`."""

    def __init__(self, version: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder() / "admin"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {"version": version, "themes": THEMES, "theme": ""}
        self._environment.filters |= {
            "symbol": breakable,
            "clock": figures.clock_time,
            "full_time": figures.full_time,
            "short_time": figures.short_time,
            "age": figures.age,
            "counted": figures.counted,
            "grouped": lambda number: figures.quantity(Decimal(number)),
        }

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The page as text."""
        return self._environment.get_template(name).render(values)


def breakable(symbol: str) -> Markup:
    """A symbol is never shortened; it may break only between underlying, expiry and strike."""
    parts = parse_symbol(symbol)
    if parts is None:
        return Markup(escape(symbol))  # noqa: S704 - escaped
    head = len(parts.base)
    return Markup("<wbr>").join((symbol[:head], symbol[head : head + 7], symbol[head + 7 :]))
