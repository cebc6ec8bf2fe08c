"""What patients can be told: the sheet of a decision, and the notice of a use."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, LANGUAGES, opened, written

LANGUAGE = click.option(
    "--language",
    "--lang",
    type=click.Choice(LANGUAGES),
    default="fr",
    show_default=True,
    help="Of the patient.",
)
KIND = click.option("--format", "kind", type=click.Choice(["html", "pdf"]), default="pdf", show_default=True)
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder to write it in.  [default: this one]",
)


@click.command("explain")
@click.argument("suggestion")
@LANGUAGE
@KIND
@OUT
@HOME
def explain(suggestion: str, language: str, kind: str, out: Path, home: Path) -> None:
    """Write the sheet that explains a decision to its patient, in plain words; the audit notes it."""
    from vesalius import explanation

    with opened(home) as hospital:
        made = explanation.sheet(hospital, suggestion, language, kind=kind)
        _write(out, f"{suggestion}.{language}.{kind}", explanation.render(kind, made))


@click.command("notice")
@click.argument("usecase")
@LANGUAGE
@KIND
@OUT
@HOME
def notice(usecase: str, language: str, kind: str, out: Path, home: Path) -> None:
    """Write the notice that tells all patients of a ward that this use speaks there."""
    from vesalius import explanation

    with opened(home) as hospital:
        made = explanation.notice(hospital, usecase, language)
        _write(out, f"notice.{usecase}.{language}.{kind}", explanation.render(kind, made))


def _write(folder: Path, name: str, body: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    written(folder / name, body)
