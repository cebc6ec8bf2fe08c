"""The academy: short courses for each role and each use, a quiz, and packages for a learning platform.

The course of a use is made from its card, its settings and its newest validation, so it is never out of
date. Who passed what is kept by :mod:`vesalius.governance.literacy`, which also asks for it before a
decision.
"""

from vesalius.academy.course import Answer, Course, Head, Page, Question, Table
from vesalius.academy.courses import check, course, head, heads, names, title, uncovered
from vesalius.academy.moodle import quiz_xml
from vesalius.academy.quiz import Draw, Marked, Result, current, draw, needed, take, valid
from vesalius.academy.scorm import package
from vesalius.governance.literacy import Readiness, readiness

__all__ = [
    "Answer",
    "Course",
    "Draw",
    "Head",
    "Marked",
    "Page",
    "Question",
    "Readiness",
    "Result",
    "Table",
    "check",
    "course",
    "current",
    "draw",
    "head",
    "heads",
    "names",
    "needed",
    "package",
    "quiz_xml",
    "readiness",
    "take",
    "title",
    "uncovered",
    "valid",
]
