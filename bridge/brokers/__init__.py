"""Where orders go; one folder a broker, found by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from bridge.brokers.base import BrokerDeclaration

_SHARED = {"families"}  # protocols several brokers share; not a broker


@cache
def names() -> tuple[str, ...]:
    """Every broker folder, sorted; imports none of them."""
    return tuple(sorted(each.name for each in iter_modules(__path__) if each.ispkg and each.name not in _SHARED))


def declaration(name: str) -> BrokerDeclaration:
    """The card of one broker; imports only that folder. Raises `KeyError` for a name without a folder."""
    if name not in names():
        raise KeyError(f"no broker is called {name!r}; there are {', '.join(names())}")
    card = import_module(f"{__name__}.{name}").BROKER
    if not isinstance(card, BrokerDeclaration):
        raise TypeError(f"{name}: BROKER is not a BrokerDeclaration")
    return card


class _Declarations(Mapping[str, BrokerDeclaration]):
    """All cards; each folder is imported when its card is asked for."""

    def __getitem__(self, name: str) -> BrokerDeclaration:
        return declaration(name)

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


def declarations() -> Mapping[str, BrokerDeclaration]:
    """Every broker by name, imported lazily."""
    return _Declarations()
