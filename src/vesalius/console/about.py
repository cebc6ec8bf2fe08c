"""What this is, and whom to ask."""

from __future__ import annotations

from starlette.responses import Response

from vesalius import __version__
from vesalius.console.contexts import AboutPage
from vesalius.console.visit import Visit, render

LIBRARIES = (("htmx", "/static/vendor/htmx.LICENSE.txt"),)
"""The browser libraries and their licences."""


def show(visit: Visit) -> Response:
    """The page."""
    return render(visit, "about.html", AboutPage(__version__, LIBRARIES))
