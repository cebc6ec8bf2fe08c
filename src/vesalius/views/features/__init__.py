"""Features as of a moment: from the long rows of a view to one row per patient and moment.

A :class:`Feature` says what to make of the values that were known at a moment: the last one, a mean, a
trend. :class:`Features` are some of them beside the view they read; a feature that could see past its moment
does not compile. One call serves one patient and a million.
"""

from vesalius.views.features._declaration import Feature, Take
from vesalius.views.features._features import Features
from vesalius.views.features._found import Found, Sources
from vesalius.views.features._guard import STEADY
from vesalius.views.features._known import WITHDRAWN
from vesalius.views.features._moments import Asked

__all__ = ["STEADY", "WITHDRAWN", "Asked", "Feature", "Features", "Found", "Sources", "Take"]
