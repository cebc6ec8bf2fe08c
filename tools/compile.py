"""Compiles the modules that convert HL7 v2 to machine code, in place: ``make fast``. Needs a C compiler.

    python tools/compile.py           compile what is not compiled, or older than its source
    python tools/compile.py --stale   take away what is compiled and older than its source
    python tools/compile.py --remove  take away all that is compiled

The same modules run as they are where nothing is compiled; mypyc reads their types, so there is no second
source. ``make setup`` takes away what is stale, so that an edit is never hidden by an older build.
"""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PACKAGE = "vesalius/ingest/hl7v2"
MODULES = (
    "_complete",
    "_conditions",
    "_convert",
    "_finish",
    "_ids",
    "_message",
    "_natives",
    "_paths",
    "_plan",
    "_registers",
    "_run",
    "_segments",
    "_shared",
    "_steps",
    "_times",
    "_values",
)
"""Where the time of a conversion goes, and what those modules call for every field."""

GROUP = "vesalius_hl7v2"
"""The name of the library that holds them all; each module is a small door to it."""


def sources() -> list[Path]:
    """The modules to compile."""
    return [SOURCE / PACKAGE / f"{name}.py" for name in MODULES]


def compiled() -> list[Path]:
    """What is compiled, for any Python."""
    doors = [
        path for name in MODULES for path in (SOURCE / PACKAGE).glob(f"{name}.*") if path.suffix != ".py"
    ]
    return [*doors, *SOURCE.glob(f"{GROUP}__mypyc.*")]


def is_current() -> bool:
    """Whether each module is compiled for this Python, after its last change."""
    ending = sysconfig.get_config_var("EXT_SUFFIX")
    doors = [path.with_name(path.stem + ending) for path in sources()]
    library = SOURCE / f"{GROUP}__mypyc{ending}"
    newest = max(path.stat().st_mtime for path in sources())
    return all(path.exists() for path in doors) and library.exists() and library.stat().st_mtime >= newest


def take_away() -> None:
    """Takes away all that is compiled."""
    for path in compiled():
        path.unlink()


def build() -> None:
    """Compiles."""
    from mypyc.build import mypycify  # heavy, and only here
    from setuptools import setup

    os.chdir(SOURCE)
    sys.path.insert(0, str(SOURCE))
    os.environ["MYPYPATH"] = str(SOURCE)
    names = [f"{PACKAGE}/{name}.py" for name in MODULES]
    folder = ROOT / "build" / "compiled"
    options = ["--config-file", str(ROOT / "pyproject.toml")]
    extensions = mypycify([*options, *names], target_dir=str(folder), group_name=GROUP)
    setup(
        name=GROUP,
        ext_modules=extensions,
        script_args=["--quiet", "build_ext", "--inplace", f"--build-temp={folder}", f"--build-lib={folder}"],
    )


def main() -> None:
    """Does what was asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stale", action="store_true", help="only take away what is older than its source")
    parser.add_argument("--remove", action="store_true", help="only take away all that is compiled")
    asked = parser.parse_args()
    if asked.remove:
        take_away()
        return
    if compiled() and not is_current():
        take_away()
        print("took away compiled modules that were older than their source; `make fast` compiles them again")
    if not asked.stale and not compiled():
        print("compiling the conversion of HL7 v2: a minute or two")
        build()


if __name__ == "__main__":
    main()
