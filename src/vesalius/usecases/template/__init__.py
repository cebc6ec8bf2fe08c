"""The start of a use case of one's own: a whole small one, copied under a new name."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from vesalius.errors import Conflict, InvalidCard

HERE = Path(__file__).parent

PLACES = {
    "pyproject.toml": "pyproject.toml",
    "usecase.py": "src/NAME/__init__.py",
    "card.toml": "src/NAME/card.toml",
    "view.json": "src/NAME/view.json",
    "examples/high/case.toml": "src/NAME/examples/high/case.toml",
    "examples/high/resources.ndjson": "src/NAME/examples/high/resources.ndjson",
    "examples/high/expected.json": "src/NAME/examples/high/expected.json",
}
"""Each file of this folder, and where it goes."""

_NAME = re.compile("[a-z][a-z0-9_]{1,39}")


def create(folder: Path, name: str) -> Path:
    """Makes a package ``name`` in ``folder``: a use case that works, to be changed into another.

    Args:
        folder: where to make it.
        name: of the package and of the use case: small letters, digits and underscores.

    Returns:
        The folder of the package.

    Raises:
        InvalidCard: the name cannot be that of a Python package.
        Conflict: the folder has something of that name already.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in ("vesalius", "template"):
        raise InvalidCard(
            f"{name!r} cannot name a use case",
            hint="use small letters, digits and underscores, a letter first",
        )
    made = folder / name
    if made.exists():
        raise Conflict(f"{made} is there already", hint="choose another name or folder")
    for source, place in PLACES.items():
        target = made / place.replace("NAME", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed((HERE / source).read_text(encoding="utf-8"), name), encoding="utf-8")
    return made


def _renamed(words: str, name: str) -> str:
    kind = "".join(part.capitalize() for part in name.split("_"))
    return words.replace("Template", kind).replace("template", name)
