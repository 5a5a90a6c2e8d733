"""Puts the pages together: every module of `pages/` with its menu line and its routes, behind one door."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from fastapi import APIRouter

from bridge.accounts.signin import SignIn
from bridge.admin import pages
from bridge.admin.assets import Assets
from bridge.admin.door import Door
from bridge.admin.entrance import Entrance
from bridge.admin.ports import Ports
from bridge.admin.templating import Templates
from bridge.admin.visit import Entry, Route


def create(ports: Ports) -> APIRouter:
    """The pages as a router, to be included without a prefix after everything that has its own addresses."""
    modules = _modules()
    menu: list[Entry] = [module.MENU for module in modules if hasattr(module, "MENU")]
    assets = Assets()
    signin = SignIn(ports.reader, ports.writer, ports.vault, ports.clock)
    door = Door(ports, signin, Templates(assets.version), tuple(sorted(menu, key=lambda entry: entry.place)))
    router = APIRouter()
    for module in modules:
        routes: tuple[Route, ...] = module.ROUTES
        for route in routes:
            router.add_route(route.path, door.guard(route), methods=[route.method])
    # Besides the files, the only addresses that answer people who are not signed in.
    entrance = Entrance(door)
    router.add_route("/signin", door.endpoint(entrance.ask), methods=["GET"])
    router.add_route("/signin", door.endpoint(entrance.let_in), methods=["POST"])
    router.add_route("/static/{version}/{name}", door.endpoint(assets.serve), methods=["GET"])
    return router


def _modules() -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(pages.__path__))
    return [importlib.import_module(f"{pages.__name__}.{name}") for name in names]
