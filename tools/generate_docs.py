"""Writes the generated pages of the documentation: commands, settings and the library of views.

``make docs`` runs it; a test runs it with ``--check`` and fails where a page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from vesalius.cli import main as commands
from vesalius.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
NOTE = "<!-- made by tools/generate_docs.py: change the code, then run `make docs` -->\n\n"


def command_page() -> str:
    """Every command with its help, as ``vesalius COMMAND --help`` prints it."""
    parts = [f"# Commands\n\n{NOTE}"]
    context = click.Context(commands, info_name="vesalius")
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command
        inner = click.Context(
            command, info_name=name, parent=context, max_content_width=100, terminal_width=100
        )
        parts.append(f"## vesalius {name}\n\n```text\n{command.get_help(inner)}\n```\n")
        parts += _commands_of(command, inner)
    return "\n".join(parts)


def _commands_of(group: click.Command, context: click.Context) -> list[str]:
    """The commands inside a group, each with its help."""
    if not isinstance(group, click.Group):
        return []
    parts = []
    for name, command in group.commands.items():
        inner = click.Context(
            command, info_name=name, parent=context, max_content_width=100, terminal_width=100
        )
        parts.append(f"### {inner.command_path}\n\n```text\n{command.get_help(inner)}\n```\n")
    return parts


def _usual(field: Any) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT else field.default


def settings_page() -> str:
    """Every setting with its default and its meaning."""
    meanings = attributes(Settings.__doc__ or "")
    rows = [
        f"| `{field.name}` | `{PREFIX}{field.name.upper()}` | `{_usual(field)!r}` | {meanings[field.name]} |"
        for field in msgspec.structs.fields(Settings)
    ]
    return (
        f"# Settings\n\n{NOTE}They are read from `vesalius.toml` in the hospital's home folder; a variable "
        "of the environment wins over the file. `VESALIUS_HOME` names the home folder itself.\n\n"
        "| setting | variable | default | meaning |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


def library_page() -> str:
    """Every view of the library, with its columns and the systems and codes that are pinned."""
    from vesalius.views import library

    head = (
        f"# The library of views\n\n{NOTE}They ship with Vesalius, one JSON file each. `vesalius view list` "
        "lists them, `vesalius view run laboratory --to csv` runs one, `vesalius view show laboratory` "
        'prints one to start from. In Python: `vesalius.views.library.load("laboratory")`. Each resource '
        "gives its rows whatever its status: leave out what was entered in error where you use them, not in "
        "a copy of the view ([why](views.md)). `patient`, `stay` and the like hold the `id` of a row of "
        "another view.\n"
    )
    parts = [head]
    parts += [_view_part(library.definition(name)) for name in library.names()]
    return "\n".join(parts)


def _view_part(definition: dict[str, Any]) -> str:
    from vesalius.views import View

    pinned = [
        f"`{each['name']}` = `{next(value for key, value in each.items() if key.startswith('value'))}`"
        for each in definition.get("constant", ())
    ]
    view = View.load(definition)
    rows = [
        f"| `{column.name}` | {view.schema.field(column.name).type} | {column.description} |"
        for column in view.definition.columns
    ]
    lines = [
        f"## {definition['name']}\n",
        f"{definition['title']}, from `{definition['resource']}`. {definition['description']}\n",
        *(f"Only {each['description']}.\n" for each in definition.get("where", ())),
        *([f"Pinned: {', '.join(pinned)}.\n"] if pinned else []),
        "| column | type | meaning |\n| --- | --- | --- |",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def attributes(docstring: str) -> dict[str, str]:
    """The ``Attributes:`` of a docstring, by name."""
    found: dict[str, str] = {}
    name = ""
    for line in docstring.split("Attributes:")[1].splitlines():
        stripped = line.strip()
        head, colon, rest = stripped.partition(": ")
        if colon and head.isidentifier() and line.startswith(" " * 8) and not line.startswith(" " * 9):
            name, found[head] = head, rest
        elif stripped and name:
            found[name] += " " + stripped
    return found


PAGES = {
    "docs/engineer/commands.md": command_page,
    "docs/engineer/settings.md": settings_page,
    "docs/engineer/view-library.md": library_page,
}


def main() -> int:
    """Writes the pages, or with ``--check`` says which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail when a page is out of date"
    )
    check = parser.parse_args().check
    stale = []
    for name, make in PAGES.items():
        path, text = ROOT / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'out of date' if check else 'wrote'}: {name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
