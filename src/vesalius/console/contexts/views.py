"""The pages of views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ViewLine:
    """One view in a list.

    Attributes:
        path: its page.
        name: its name.
        title: its own title, in English, or empty.
        resource: the type of resource that it reads.
        by: who saved it last; empty for one of the library.
        at: when, or None.
    """

    path: str
    name: str
    title: str
    resource: str
    by: str
    at: datetime | None


@dataclass(frozen=True)
class ViewsPage:
    """``/views``: the library, and what people saved.

    Attributes:
        library: the views that ship with Vesalius.
        saved: those that people of this hospital saved.
        may_write: whether the reader may write one.
    """

    library: tuple[ViewLine, ...]
    saved: tuple[ViewLine, ...]
    may_write: bool


@dataclass(frozen=True)
class ColumnLine:
    """One column of a view.

    Attributes:
        name: its name.
        type: of its values.
        words: what it means, in English, or empty.
    """

    name: str
    type: str
    words: str


@dataclass(frozen=True)
class Preview:
    """The first rows of a view.

    Attributes:
        names: of the columns.
        rows: the cells of each row, as text; None where there is no value.
        more: whether there are more rows, or there may be.
        read: how many resources were read for them.
        left_out: how many patients are not in them, because they refuse any use but care.
        few: whether that is the number that they are fewer than.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    more: bool
    read: int
    left_out: int = 0
    few: bool = False


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with a view, at its place in the text.

    Attributes:
        message: what is wrong, in English.
        hint: what to do about it, in English, or empty.
        place: where in the view.
        line: on which line of the text.
        grave: whether the view cannot be what was meant; else it depends on the data.
        excerpt: the lines around it, as (number, text, whether it is the line).
    """

    message: str
    hint: str
    place: str
    line: int
    grave: bool
    excerpt: tuple[tuple[int, str, bool], ...]


@dataclass(frozen=True)
class ViewVersion:
    """One version of a saved view.

    Attributes:
        number: its number.
        by: who saved it.
        at: when.
        restores: the version whose words it says again, or None.
        withdrawn: whether it withdrew the view.
    """

    number: int
    by: str
    at: datetime
    restores: int | None
    withdrawn: bool


@dataclass(frozen=True)
class ViewPage:
    """``/views/library/{name}`` and ``/views/saved/{name}``: one view.

    Attributes:
        path: of this page.
        name: of the view.
        title: its own title, in English, or empty.
        words: its own description, in English, or empty.
        resource: the type of resource that it reads; empty where it was withdrawn.
        columns: its columns.
        text: the ViewDefinition.
        route: how it reads the whole lake.
        sql: the SQL for that.
        preview: its first rows, where the reader asked for them.
        faults: what went wrong with them.
        versions: of a saved view, the last first.
        version: the number of the last; 0 for one of the library.
        may_run: whether the reader may see rows.
        may_write: whether the reader may change it.
    """

    path: str
    name: str
    title: str
    words: str
    resource: str
    columns: tuple[ColumnLine, ...]
    text: str
    route: str
    sql: str
    preview: Preview | None
    faults: tuple[Fault, ...]
    versions: tuple[ViewVersion, ...]
    version: int
    may_run: bool
    may_write: bool


@dataclass(frozen=True)
class WritePage:
    """``/views/write``: writing a view.

    Attributes:
        text: the ViewDefinition as it was typed.
        name: under which it is to be saved.
        after: the version that is changed; 0 for a new view.
        problem: why it was not saved, in English, or empty.
        faults: what is wrong with it.
        preview: its first rows, where it can run.
        columns: its columns, where it can run.
        route: how it reads the whole lake; empty where it cannot run.
        sql: the SQL for that.
    """

    text: str
    name: str
    after: int
    problem: str
    faults: tuple[Fault, ...]
    preview: Preview | None
    columns: tuple[ColumnLine, ...]
    route: str
    sql: str
