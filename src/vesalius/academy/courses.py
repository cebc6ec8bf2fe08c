"""Which courses there are: those that are written, ours and the hospital's own, and one for each use.

A written course is a folder: ``course.toml`` (version, roles …) and ``texts/LANGUAGE.toml`` (title, lead,
pages and questions). Ours are in ``library``; the hospital's own, such as one on a system that it bought, in
``courses`` of its home folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from vesalius.academy import drawing, texts, uses
from vesalius.academy.course import ASKED, FEWEST, PASS_MARK, Course, Head, Page, Question
from vesalius.card import LANGUAGES
from vesalius.errors import InvalidCard, NotFound
from vesalius.governance.roles import Role
from vesalius.usecase import find, installed

if TYPE_CHECKING:
    from vesalius.hospital import Hospital

LIBRARY = Path(__file__).parent / "library"
OWN = "courses"
"""The folder of the hospital's own courses, in its home."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``course.toml`` of a written course.

    Attributes:
        version: it changes when a text changes what is taught.
        roles: who it is for.
        system: the AI system that it is about; empty for a common one.
        months: for how long a pass is valid.
        minutes: about how long it takes.
        asked: how many questions an attempt has.
        pass_mark: the share of right answers that passes.
        pictures: by page, the name of one of our pictures.
    """

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    roles: tuple[str, ...]
    system: str = ""
    months: Annotated[int, msgspec.Meta(ge=1, le=120)] = 24
    minutes: Annotated[int, msgspec.Meta(ge=1, le=120)] = 5
    asked: Annotated[int, msgspec.Meta(ge=FEWEST, le=40)] = ASKED
    pass_mark: Annotated[float, msgspec.Meta(ge=0.5, le=1)] = PASS_MARK
    pictures: dict[str, str] = {}


def names(hospital: Hospital) -> list[str]:
    """The names of all courses: written ones first, then one for each use installed."""
    return [*sorted(_folders(hospital)), *(uses.named(name) for name in installed())]


def head(hospital: Hospital, name: str) -> Head:
    """What is known of a course without making its pages.

    Raises:
        NotFound: there is no such course.
        InvalidCard: it is the hospital's own, and not whole.
    """
    if usecase := uses.usecase_of(name):
        return uses.head(find(usecase).card)
    return _head(name, _written(_folder(hospital, name))[0])


def course(hospital: Hospital, name: str, language: str) -> Course:
    """A course in one language; that of a use with the figures of its latest validation here.

    Raises:
        NotFound: there is no such course.
        InvalidCard: it is the hospital's own, and not whole.
    """
    if usecase := uses.usecase_of(name):
        return uses.course(hospital, find(usecase), language)
    return _made(name, _folder(hospital, name), language)


def title(hospital: Hospital, name: str, language: str) -> str:
    """The title of a course, without making its pages.

    Raises:
        NotFound: there is no such course.
    """
    if usecase := uses.usecase_of(name):
        return texts.say("use.title", language, title=find(usecase).card.say("title", language))
    return _written(_folder(hospital, name))[1][language]["title"]


def heads(hospital: Hospital) -> Iterator[Head]:
    """What is known of every course."""
    for name in names(hospital):
        yield head(hospital, name)


def check(folder: Path) -> Course:
    """Reads a written course whole, in every language, and gives it in English.

    Raises:
        InvalidCard: something is missing or wrong; the message names it.
    """
    _named(folder.name)
    return [_made(folder.name, folder, language) for language in LANGUAGES][-1]


def uncovered(hospital: Hospital) -> list[str]:
    """The roles that no written course is for: somebody must write one, and a new role is told here first."""
    written = [_head(name, _written(path)[0]) for name, path in _folders(hospital).items()]
    return sorted({role.value for role in Role} - {role for each in written for role in each.roles})


def _folders(hospital: Hospital) -> dict[str, Path]:
    """By name; a course of the hospital's own takes the place of ours with the same name."""
    found = {path.parent.name: path.parent for path in LIBRARY.glob("*/course.toml")}
    own = {path.parent.name: path.parent for path in (hospital.home / OWN).glob("*/course.toml")}
    for name in own:
        _named(name)
    return found | own


def _named(name: str) -> None:
    if not _NAME.fullmatch(name) or uses.usecase_of(name):
        raise InvalidCard(f"{name!r} is no name of a course", hint="small letters, digits and -, not use-…")


def _folder(hospital: Hospital, name: str) -> Path:
    found = _folders(hospital)
    if name not in found:
        raise NotFound(f"there is no course {name!r}", hint=", ".join(names(hospital)))
    return found[name]


def _head(name: str, written: Written) -> Head:
    given = {field: getattr(written, field) for field in Head.__struct_fields__ if field != "name"}
    return Head(name=name, **given)


def _made(name: str, folder: Path, language: str) -> Course:
    written, spoken = _written(folder)
    said = spoken[language if language in spoken else "en"]
    questions = tuple(texts.question(said, f"question.{key}", key) for key in texts.keys(said, "question"))
    pages = tuple(_page(said, key, written.pictures.get(key, "")) for key in texts.keys(said, "page"))
    return Course(_head(name, written), language, said["title"], said["lead"], pages, questions)


def _page(said: dict[str, str], key: str, picture: str) -> Page:
    start = f"page.{key}"
    caption = said.get(f"{start}.caption", "")
    exercise: Question | None = None
    if f"{start}.exercise.words" in said:
        exercise = texts.question(said, f"{start}.exercise", key)
    return Page(
        key=key,
        title=said[f"{start}.title"],
        text=texts.paragraphs(said.get(f"{start}.text", "")),
        points=texts.points(said.get(f"{start}.points", "")),
        notice=said.get(f"{start}.notice", ""),
        caption=caption,
        picture=drawing.drawn(picture, said.get(f"{start}.labels", "").splitlines(), caption)
        if picture
        else "",
        exercise=exercise,
    )


def _written(folder: Path) -> tuple[Written, dict[str, dict[str, str]]]:
    """The course of a folder; read again when a file of it changed."""
    stamp = tuple(sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*.toml")))
    return _read(folder, stamp)


@cache
def _read(folder: Path, stamp: object) -> tuple[Written, dict[str, dict[str, str]]]:  # noqa: ARG001
    try:
        written = msgspec.toml.decode((folder / "course.toml").read_bytes(), type=Written)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise InvalidCard(f"{folder.name}/course.toml: {error}") from error
    spoken = texts.read(folder / "texts")
    said = spoken["en"]
    pages, pool = texts.keys(said, "page"), texts.keys(said, "question")
    wanted = ["title", "lead", *(f"page.{key}.title" for key in pages)]
    if missing := [key for key in wanted if key not in said]:
        raise InvalidCard(f"{folder.name}: no text for {', '.join(missing)}")
    if not pages or len(pool) < max(FEWEST, written.asked):
        raise InvalidCard(
            f"{folder.name}: a course has pages, and at least {max(FEWEST, written.asked)} questions"
        )
    if unknown := set(written.pictures) - set(pages) | set(written.pictures.values()) - set(drawing.PICTURES):
        raise InvalidCard(f"{folder.name}: no page or picture {', '.join(sorted(unknown))}")
    if braces := [key for key, words in said.items() if texts.fields(words)]:
        raise InvalidCard(f"{folder.name}: {braces[0]} has braces, and nothing to fill them with")
    return written, spoken
