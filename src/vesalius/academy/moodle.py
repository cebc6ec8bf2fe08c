"""The questions of a course as a Moodle XML file: Moodle's own format for its question bank.

Source: https://docs.moodle.org/en/Moodle_XML_format: a category, then one ``multichoice`` question each.
"""

from __future__ import annotations

from html import escape
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # it writes XML only  # nosec B405

from vesalius.academy.course import Course, Question


def quiz_xml(course: Course) -> bytes:
    """The whole pool of a course, in UTF-8; Moodle draws from it as the hospital likes."""
    root = Element("quiz")
    category = SubElement(SubElement(root, "question", type="category"), "category")
    SubElement(category, "text").text = f"$course$/Vesalius/{course.head.name} {course.head.version}"
    for each in course.questions:
        _question(root, course, each)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _question(root: Element, course: Course, asked: Question) -> None:
    made = SubElement(root, "question", type="multichoice")
    SubElement(SubElement(made, "name"), "text").text = f"{course.head.name}: {asked.key}"
    _words(SubElement(made, "questiontext", format="html"), asked.words)
    _words(SubElement(made, "generalfeedback", format="html"), asked.why)
    settings = {
        "defaultgrade": "1",
        "penalty": "0",
        "hidden": "0",
        "single": "true",
        "shuffleanswers": "true",
        "answernumbering": "abc",
    }
    for name, value in settings.items():
        SubElement(made, name).text = value
    for answer in asked.answers:
        choice = SubElement(made, "answer", fraction="100" if answer.right else "0", format="html")
        _words(choice, answer.words)


def _words(parent: Element, words: str) -> None:
    # Moodle reads the text as HTML, so the words are escaped once for it and once more for XML.
    SubElement(parent, "text").text = f"<p>{escape(words, quote=False)}</p>"
