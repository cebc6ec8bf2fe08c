"""The dossier of a use: built from the audit, and verified against it."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, LANGUAGES, opened, progress, written


@click.group("dossier")
def dossier_group() -> None:
    """Build the dossier of a use for lawyers and authorities, and verify it."""


@dossier_group.command()
@click.argument("use")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The folder to write it in.")
@click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    default="fr",
    show_default=True,
    help="Of the page and the PDF; the data holds all four.",
)
@HOME
def build(use: str, out: Path | None, language: str, home: Path) -> None:
    """Build the dossier of USE: dossier.json, a page and a PDF."""
    from vesalius import dossier

    folder = out or home / "dossiers" / use
    with opened(home) as hospital, progress() as tick:
        sealed = dossier.make(
            hospital, use, where=folder, progress=lambda done, total: tick("building", done, total, "")
        )
    for kind in dossier.FORMATS:
        written(folder / f"dossier.{language}.{kind}", dossier.render(kind, sealed.dossier, language))
    counts = sealed.dossier.counts
    click.echo(
        f"{counts.all} obligations: {counts.auto} filled from the log, "
        f"{counts.waiting} with nothing in the log yet, {counts.assisted} prefilled for signature, "
        f"{counts.manual} manual, {counts.unfilled} not filled; {counts.applying} apply to {use}; "
        f"{len(sealed.dossier.sources)} source events"
    )


@dossier_group.command()
@click.argument("use")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@HOME
def verify(use: str, folder: Path | None, home: Path) -> None:
    """Verify the dossier of USE against the database: every event, every row beside it, every proof."""
    from vesalius import dossier
    from vesalius.errors import NotFound, Tampered

    where = folder or home / "dossiers" / use
    if not (where / dossier.FILE).is_file():
        raise NotFound(f"there is no {where / dossier.FILE}", hint=f"vesalius dossier build {use}")
    with opened(home) as hospital:
        found = dossier.examined(hospital, use, dossier.load((where / dossier.FILE).read_bytes()))
    if not found.holds:
        raise Tampered("; ".join(found.problems))
    later = f"; {found.since} came since: build it again" if found.since else ""
    click.echo(f"the dossier of {use} holds: {found.events} events{later}")
