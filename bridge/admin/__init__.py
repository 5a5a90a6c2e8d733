"""The pages: server-rendered, working without JavaScript."""

from bridge.admin.ports import Ports
from bridge.admin.site import create

__all__ = ["Ports", "create"]
