"""Collects the console's words: writes ``console.pot`` and brings the three catalogues in line with it.

New messages are added without a translation, and those no longer used are dropped; nothing is guessed (no
fuzzy entries). ``--check`` changes nothing and fails when something would change.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

CONSOLE = Path(__file__).parents[1] / "src" / "vesalius" / "console"
LOCALES = CONSOLE / "locales"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
HEADER = "# Words of the Vesalius console. English is the source; see docs/engineer/console.md."


def collect() -> Catalog:
    """Every message of the console's code and templates."""
    catalog = Catalog(project="vesalius", fuzzy=False, header_comment=HEADER)
    for name, _, message, _, _ in extract_from_dir(
        CONSOLE, METHODS, OPTIONS, KEYWORDS, strip_comment_tags=True
    ):
        catalog.add(message, locations=[(Path(name).as_posix(), 0)])
    return catalog


def written(catalog: Catalog) -> bytes:
    """The catalogue as a file, in a stable order and without dates."""
    buffer = io.BytesIO()
    write_po(
        buffer,
        catalog,
        width=110,
        sort_output=True,
        omit_header=False,
        include_lineno=False,
        ignore_obsolete=True,
    )
    kept = (
        line
        for line in buffer.getvalue().splitlines(keepends=True)
        if b"-Date:" not in line and b"Generated-By" not in line
    )
    return b"".join(kept)


def updated(source: Catalog, code: str) -> bytes:
    """The catalogue of one language, in line with ``source``."""
    path = LOCALES / code / "console.po"
    catalog = Catalog(locale=code, project="vesalius", fuzzy=False, header_comment=HEADER)
    known = read_po(path.open("rb"), locale=code) if path.exists() else catalog
    for message in source:
        if message.id:
            found = known.get(message.id)
            catalog.add(message.id, found.string if found else None, locations=message.locations)
    return written(catalog)


def main() -> int:
    """Writes the catalogues, or with ``--check`` says which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail when a catalogue is out of date"
    )
    check = parser.parse_args().check
    source = collect()
    files = {LOCALES / "console.pot": written(source)}
    files |= {LOCALES / code / "console.po": updated(source, code) for code in ("fr", "nl", "de")}
    stale = [path for path, content in files.items() if not path.exists() or path.read_bytes() != content]
    for path in stale:
        print(f"{'out of date' if check else 'wrote'}: {path.relative_to(CONSOLE)}")
        if not check:
            path.write_bytes(files[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
