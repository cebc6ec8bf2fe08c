"""What people see: the console's pages, in four languages, complete without script."""

from vesalius.console.application import SCREENS, app, serve

__all__ = ["SCREENS", "app", "serve"]
