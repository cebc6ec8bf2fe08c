"""Validating a use case on history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import (
    DATA,
    FILES,
    HOME,
    LANGUAGES,
    SEED,
    history,
    opened,
    progress,
    rows,
    timed,
    written,
)
from vesalius.machine import cores

if TYPE_CHECKING:
    from vesalius.evaluation import Pass, Plan

MANY = 10_000
"""Rows from which a second process is worth its start."""


@click.command()
@click.argument("usecase")
@DATA
@FILES
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write the report.  [default: the hospital's runs]",
)
@SEED
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default=None,
    help="Of the report; all four when left out.",
)
@click.option(
    "--plan",
    "kind",
    metavar="PLAN",
    help="Who is held out: nested, grouped, patient, time, sites or external.  [default: by size]",
)
@click.option(
    "--test-from", "cut", default="", metavar="DATE", help="With --plan time: the first day held out."
)
@click.option(
    "--test-on", "held", multiple=True, metavar="SITE", help="Learn on all other sites; validate on this one."
)
@click.option(
    "--despite",
    multiple=True,
    metavar="DETECTOR",
    help="Go on in spite of what this detector of leaks found.",
)
@click.option("--by", "login", default="", help="With --despite: the account of who answers for it.")
@click.option("--reason", default="", help="With --despite: why; it stays in the run and in the report.")
@click.option("--password", default=None, help="With --despite: of that account; asked for when not given.")
@click.option(
    "--processes", type=click.IntRange(1, 64), default=None, help="That learn.  [default: 2 for many rows]"
)
@HOME
def validate(
    usecase: str,
    data: Path | None,
    files: str,
    out: Path | None,
    seed: int,
    language: str | None,
    kind: str | None,
    cut: str,
    held: tuple[str, ...],
    despite: tuple[str, ...],
    login: str,
    reason: str,
    password: str | None,
    processes: int | None,
    home: Path,
) -> None:
    """Validate a use case on history: held-out patients, beside simple rules and the clinicians."""
    from vesalius.evaluation import report
    from vesalius.evaluation import validate as run_validation
    from vesalius.governance import audit, uses, validations
    from vesalius.usecase import find

    use = find(usecase)
    chosen = _asked(kind, cut, held)
    allowed = _allowed(despite, login, reason, password, home)
    with progress() as tick, history(usecase, data, home, tick, files) as (hospital, cohort):
        many = len(cohort.outcomes) >= MANY
        with timed("validated"):
            run = run_validation(
                use,
                cohort,
                hospital.lake,
                seed,
                rows(tick, "held-out predictions"),
                plan=chosen,
                settings=None if data else uses.current(hospital.engine, usecase).settings,
                allowed=allowed,
                workers=processes or (min(2, cores()) if many else 1),
            )
        folder = out or hospital.runs
        folder.mkdir(parents=True, exist_ok=True)
        run.save(folder)
        if data is None:  # on the hospital's own history: evidence that its gates look up
            validations.keep(hospital.engine, run, by=login or audit.SYSTEM)
        with timed("reported"):
            for tongue in [language] if language else LANGUAGES:
                written(folder / f"{usecase}.{tongue}.html", report(run, use.card, tongue).encode())
    for line in run.lines():
        click.echo(line)
    click.echo(f"vesalius report {usecase} writes the report as PDF, HTML and CHAI card", err=True)


def _asked(kind: str | None, cut: str, held: tuple[str, ...]) -> Plan | None:
    """The plan that was asked for; None lets the size of the data choose."""
    from vesalius.evaluation import plans

    if kind is None and not cut and not held:
        return None
    implied = "time" if cut else "external" if held else None
    return plans.choose(0, kind or implied, cut=cut, held=held)


def _allowed(
    despite: tuple[str, ...], login: str, reason: str, password: str | None, home: Path
) -> dict[str, Pass]:
    """By detector, who lets it pass: an account of this hospital, with its password, and a reason."""
    if not despite:
        return {}
    from vesalius.errors import InvalidSetting
    from vesalius.evaluation import Pass, leakage
    from vesalius.governance import people

    if not login or not reason.strip():
        raise InvalidSetting("--despite needs --by LOGIN and --reason WHY")
    given = dict.fromkeys(despite, Pass(login, reason.strip()))
    leakage.check_passes(given)
    with opened(home) as hospital:
        people.sign_in(hospital.engine, login, password or click.prompt("Password", hide_input=True))
    return given
