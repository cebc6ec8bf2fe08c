"""A bought AI system in the loop: seen only through its results, held to the same gates as our own uses.

From a line of the register a use case is made (:func:`kind`): its candidates are the reports of the system,
its suggestion restates what the system said, its outcome is the report that a person signed.
:func:`adopt` puts those of one hospital beside the use cases that are installed.
"""

from vesalius.bought.card import card_of
from vesalius.bought.life import adopt, forget
from vesalius.bought.making import maker
from vesalius.bought.system import BoughtSystem, kind

__all__ = ["BoughtSystem", "adopt", "card_of", "forget", "kind", "maker"]
