"""What people see: the console's pages, in four languages, complete without script."""

from vesalius.console.application import SCREENS, app, serve, whole

__all__ = ["SCREENS", "app", "serve", "whole"]
