"""What can a patient be told? The sheet that explains a decision with AI in it, and the notice of a use.

AI Act (Regulation (EU) 2024/1689), articles 26(11) and 86; GDPR, article 15(1)(h), as read by the Court of
Justice on 27 February 2025 in C-203/22 (Dun & Bradstreet Austria): the procedure and the principles that were
applied to this person's data, in a concise and intelligible form, not the formula.
"""

from vesalius.explanation.composing import similar
from vesalius.explanation.document import Part, Picture, Sheet
from vesalius.explanation.files import FORMATS, fragment, render
from vesalius.explanation.readability import PLAIN, score
from vesalius.explanation.sheets import allowed, notice, sheet

__all__ = [
    "FORMATS",
    "PLAIN",
    "Part",
    "Picture",
    "Sheet",
    "allowed",
    "fragment",
    "notice",
    "render",
    "score",
    "sheet",
    "similar",
]
