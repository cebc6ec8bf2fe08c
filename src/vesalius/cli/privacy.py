"""Data in which nobody is recognised: tables, resources, texts and images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli import scrubbing
from vesalius.cli._shared import LANGUAGES, progress, written

if TYPE_CHECKING:
    from vesalius.privacy import Anonymised, Risks

TABLE = click.Path(path_type=Path, dir_okay=False, exists=True)
"""A CSV or Parquet file."""

POPULATION = click.option(
    "--population", type=TABLE, help="The table of those among whom an attacker looks (CSV or Parquet)."
)


@click.group("privacy")
def privacy() -> None:
    """How likely it is that somebody is recognised, and making it less so: tables, resources, texts, images.

    Tables are CSV or Parquet files, with one record for each person.
    """


for command in scrubbing.COMMANDS:
    privacy.add_command(command)


@privacy.command("risk")
@click.argument("file", type=TABLE)
@click.option("--quasi", required=True, help="The columns that an attacker may know, with commas between.")
@click.option("--sensitive", help="A column that must not be learnt: how well the table keeps it is added.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="The risk above which a record counts as at risk: 0.2 is a class of less than five.",
)
@POPULATION
@click.option(
    "--drawn-from",
    type=click.IntRange(min=1),
    help="The table is a sample of so many persons: estimates how many are unique.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def risk(
    file: Path,
    quasi: str,
    sensitive: str | None,
    threshold: float,
    population: Path | None,
    drawn_from: int | None,
    as_json: bool,
) -> None:
    """Say how likely it is that somebody of a table is recognised: prosecutor, journalist, marketer."""
    import msgspec

    from vesalius.privacy import achieved, population_uniqueness, read_table, risks_of
    from vesalius.privacy.risk import class_sizes

    table = read_table(file)
    columns = [name.strip() for name in quasi.split(",") if name.strip()]
    found = risks_of(table, columns, threshold, read_table(population) if population else None)
    said: dict[str, object] = {"risks": found}
    if sensitive:
        said["achieved"] = achieved(table, columns, sensitive)
    if drawn_from:
        said["population_uniques"] = population_uniqueness(class_sizes(table, columns)[0], drawn_from)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(said)))
        return
    for line in _lines(found):
        click.echo(line)
    if "achieved" in said:
        pairs = msgspec.to_builtins(said["achieved"]).items()
        click.echo(f"{sensitive}: " + ", ".join(f"{name} {_short(value)}" for name, value in pairs))
    if drawn_from:
        click.echo(f"unique in a population of {drawn_from:,}: about {said['population_uniques']:.2%} of it")


def _lines(found: Risks) -> list[str]:
    return [
        f"{found.records:,} records in {found.classes:,} classes of {found.smallest:,} to {found.largest:,}",
        f"unique: {found.uniques:,} records ({found.uniques / found.records:.2%})",
        f"risk above {found.threshold:g}: {found.above:.2%} of the records",
        f"prosecutor: at most {found.prosecutor_max:.4f}, on average {found.prosecutor_mean:.4f}",
        f"journalist: at most {found.journalist_max:.4f}",
        f"marketer: {found.marketer:.4f} of the records named rightly",
    ]


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@privacy.command("anonymise")
@click.argument("file", type=TABLE)
@click.option("--plan", "plan_file", type=TABLE, required=True, help="What must hold of the table (TOML).")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The table to write, CSV or Parquet; beside it OUT.json and OUT.LANGUAGE.html say what was done.",
)
@POPULATION
@click.option(
    "--language",
    "languages",
    type=click.Choice(LANGUAGES),
    multiple=True,
    help="Of the page; repeat it for more. All four when left out.",
)
def anonymise(
    file: Path, plan_file: Path, out: Path, population: Path | None, languages: tuple[str, ...]
) -> None:
    """Make a table anonymous by a plan, losing as little as can be: the best is proven to be the best."""
    import msgspec

    from vesalius.evaluation.anonymity import page
    from vesalius.privacy import anonymise as make
    from vesalius.privacy import read_plan, read_table, write_table

    if out.resolve() in {file.resolve(), plan_file.resolve(), population and population.resolve()}:
        raise click.UsageError("--out would overwrite what is read")
    if not out.resolve().parent.is_dir():
        raise click.UsageError("--out names a folder that is not there")
    plan = read_plan(plan_file)
    table = read_table(file)
    people = read_table(population) if population else None
    with progress() as tick:
        made = make(table, plan, people, lambda done, nodes: tick("searching", done, nodes, f"{done:,}"))
    pages = {language: page(made.result, language, out.name).encode() for language in languages or LANGUAGES}
    body = msgspec.json.format(msgspec.json.encode(made.result)) + b"\n"
    write_table(made.table, out)
    click.echo(f"wrote {out}", err=True)
    written(out.with_name(f"{out.name}.json"), body)
    for language, each in pages.items():
        written(out.with_name(f"{out.name}.{language}.html"), each)
    _tell(made)


def _tell(made: Anonymised) -> None:
    levels = ", ".join(f"{name} {level}" for name, level in made.levels.items())
    click.echo(f"levels: {levels}")
    click.echo(f"left out: {made.suppressed:,} of {made.result.records:,} records")
    for line in _lines(made.risks):
        click.echo(line)
    proof = "nothing loses less" if made.optimal else "cut short: something may lose less"
    click.echo(f"loss {made.loss:.6g} by {made.result.criterion}; {proof}")
    click.echo(f"looked at {made.searched:,} of {made.result.nodes:,} generalisations")
