"""Maps of tables: proposing one, trying one out, and reading tables of other databases through one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesalius.cli._shared import progress, rows, said

if TYPE_CHECKING:
    from datetime import datetime

    from vesalius.hospital import Hospital
    from vesalius.ingest.maps import Proposal, Trial
    from vesalius.ingest.sql import Table

ASK = "-"
"""Instead of an address: ask for it, without showing it."""


def sql_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name a table of another database."""
    options = (
        click.option(
            "--sql",
            "address",
            help="A database instead of files: its address, env:NAME for a variable, or - to ask.",
        ),
        click.option("--table", "table_name", default="", help="The table or view of it, as schema.table."),
        click.option("--query", default="", help="Or one SELECT, instead of a table."),
        click.option(
            "--parameter",
            "parameters",
            multiple=True,
            help="NAME=VALUE for a :NAME of the query; repeatable.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def table_of(
    address: str, name: str, query: str, parameters: tuple[str, ...], watermark: str = "", overlap: int = 300
) -> Table:
    """The table that the options name."""
    from datetime import timedelta

    from vesalius.ingest import sql

    if address == ASK:
        asked = click.prompt("Address of the database", hide_input=True)
        url = sql.address("env:ASKED", {"ASKED": asked})
    else:
        url = sql.address(address, os.environ)
    named = dict(each.partition("=")[::2] for each in parameters)
    return sql.Table(
        url, name=name, query=query, parameters=named, watermark=watermark, overlap=timedelta(seconds=overlap)
    )


def ingest_table(
    hospital: Hospital,
    table: Table,
    source: str,
    csv_map: object,
    received: datetime | None,
    *,
    from_start: bool,
) -> None:
    """Receives the new rows of a table, and says what became of them."""
    from vesalius.ingest import CsvMap, sql

    if not isinstance(csv_map, CsvMap):
        raise click.UsageError("a table needs a --map")
    with progress() as tick:
        receipts = sql.receive_table(
            hospital.lake,
            hospital.home / "tables",
            table,
            source=source,
            csv_map=csv_map,
            received_at=received,
            progress=rows(tick, table.title),
            from_start=from_start,
        )
    for receipt in receipts:
        click.echo(said(receipt))
    if not receipts:
        click.echo(f"{table.title}: nothing new")
    if any(receipt.quarantined for receipt in receipts):
        click.echo("  vesalius quarantine lists what was held, and why")


@click.group("map")
def map_group() -> None:
    """Maps of CSV files, workbooks, Parquet files and SQL tables: propose one, try one out."""


@map_group.command("new")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the map here.  [default: standard output]",
)
@click.option("--sheet", default="", help="The sheet of a workbook.  [default: the first visible one]")
@click.option("--zone", default="Europe/Brussels", show_default=True, help="The zone of moments without one.")
@sql_options
def new(
    file: Path | None,
    out: Path | None,
    sheet: str,
    zone: str,
    address: str | None,
    table_name: str,
    query: str,
    parameters: tuple[str, ...],
) -> None:
    """Propose a map for FILE from its columns, each guess with its reason, to be confirmed."""
    from vesalius.ingest.maps import propose
    from vesalius.ingest.maps.sample import sample, sample_of_table

    if (file is None) == (address is None):
        raise click.UsageError("name a file, or a database with --sql")
    if out and out.exists():
        raise click.UsageError(f"{out} exists; a map that people have confirmed is not overwritten")
    if address is not None:
        proposal = propose(sample_of_table(table_of(address, table_name, query, parameters)), zone)
    else:
        assert file is not None
        proposal = propose(sample(file, sheet), zone)
    if out is None:
        click.echo(proposal.text, nl=False)
    else:
        out.write_text(proposal.text, encoding="utf-8")
    _say_proposal(proposal, out or Path("MAP"), file)


def _say_proposal(proposal: Proposal, out: Path, file: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console(stderr=True)
    grid = Grid("column", "taken for", box=None, pad_edge=False)
    for column, label in proposal.guesses.items():
        grid.add_row(column, label)
    console.print(grid)
    left = len(proposal.unused)
    console.print(
        f"{len(proposal.guesses)} columns in the map, {left} left out, {proposal.confirm} to confirm"
    )
    if file:
        console.print(f"next: vesalius map check {out} {file}", highlight=False, markup=False)


@map_group.command("check")
@click.argument("map_file", metavar="MAP", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--rows", "limit", type=click.IntRange(0), default=1000, show_default=True, help="0: all.")
@click.option(
    "--show", type=click.IntRange(0), default=1, show_default=True, help="Rows whose resources to show."
)
def check(map_file: Path, file: Path, limit: int, show: int) -> None:
    """Try MAP on FILE: what would be taken in, what held and why. Nothing is written.

    The resources that it shows hold the values of patients, like the file itself.
    """
    from vesalius.ingest import CsvMap
    from vesalius.ingest.maps import try_out

    trial = try_out(CsvMap.load(map_file), file, limit, show)
    _say_trial(trial)
    if trial.held:
        raise click.exceptions.Exit(2)


def _say_trial(trial: Trial) -> None:
    from rich.console import Console
    from rich.json import JSON
    from rich.table import Table as Grid

    from vesalius import fhir

    console = Console(highlight=False)
    for resource in trial.first:
        console.print(JSON(fhir.dump(resource).decode(), indent=2))
    made = ", ".join(f"{count} {kind}" for kind, count in trial.resources.most_common())
    console.print(f"{trial.taken} of {trial.rows} rows would be taken in: {made or 'nothing'}", markup=False)
    if trial.held:
        grid = Grid("held", "cause", "why", "for example", box=None, pad_edge=False)
        for why, count in trial.held.most_common():
            grid.add_row(str(count), why[0], why[1], ", ".join(trial.places[why]))
        console.print(grid)
    console.print(
        f"{len(trial.used)} columns are read, {len(trial.unused)} are not: {', '.join(trial.unused)}",
        markup=False,
    )
