"""Use cases: making one, learning, validating, and running the loop."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import DATA, FILES, HOME, NOW, SEED, history, opened, progress

if TYPE_CHECKING:
    from vesalius.loop import Turn
    from vesalius.monitoring.refreshing import Refreshed


@click.command()
def usecases() -> None:
    """The use cases installed on this machine."""
    from vesalius.usecase import installed

    for name, kind in installed().items():
        click.echo(f"{name:<16} {kind.card.version:<8} {kind.card.say('title', 'en')}")


@click.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder to make it in.",
)
def new(name: str, into: Path) -> None:
    """Start a use case of your own from the template."""
    from vesalius.usecases.template import create

    click.echo(f"made {create(into, name)}; docs/engineer/write-a-use-case.md goes on from here")


@click.command("check")
@click.argument("usecase")
def check_command(usecase: str) -> None:
    """Run a use case's examples and the checks that every use case must pass."""
    from vesalius.usecase import find
    from vesalius.usecases.checks import run_checks

    checks = run_checks(find(usecase))
    for item in checks:
        click.echo(
            f"{'ok  ' if item.passed else 'FAIL'} {item.name}{': ' + item.words if item.words else ''}"
        )
    if not all(item.passed for item in checks):
        sys.exit(1)


@click.command()
@click.argument("usecase")
@DATA
@FILES
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the model, instead of the hospital's own store.",
)
@SEED
@HOME
def train(usecase: str, data: Path | None, files: str, out: Path | None, seed: int, home: Path) -> None:
    """Learn a model; it goes into use only once its gates are signed."""
    from vesalius.usecase import find

    use = find(usecase)()
    with progress() as tick, history(usecase, data, home, tick, files) as (hospital, cohort):
        model = use.learn(cohort.evidence, cohort.outcomes, seed)
        if out:
            out.write_bytes(model.to_bytes())
        else:
            hospital.models.save(model)
    known = f"{len(cohort.outcomes)} patients, {int(cohort.outcomes.sum())} with the outcome"
    click.echo(f"model {model.hash}: {known}")
    if not out:
        click.echo(f"vesalius adopt {usecase} {model.hash} --by LOGIN --reason WHY puts it in force")


@click.command()
@click.argument("usecase")
@click.argument("model")
@click.option("--by", "login", required=True, help="The account of the engineer who answers for it.")
@click.option("--reason", required=True, help="Why; kept with the name.")
@click.password_option(confirmation_prompt=False, help="Of that account; asked for when it is not given.")
@HOME
def adopt(usecase: str, model: str, login: str, reason: str, password: str, home: Path) -> None:
    """Put a learnt MODEL, named by its hash, in force; a use that speaks falls silent until signed again."""
    from vesalius.governance import people, uses

    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        hospital.models.load(model, signed=True)
        use = uses.set_model(hospital.engine, usecase, model, person, reason=reason)
    click.echo(f"{usecase} is {use.state.value} with model {model}")


@click.command("run")
@click.argument("usecase", required=False)
@NOW
@HOME
def run_command(usecase: str | None, now: datetime | None, home: Path) -> None:
    """One turn of the loop: who is due, their evidence, suggestions, and the outcomes that came in.

    Without a USECASE, every use case installed has its turn; one that fails does not stop the others. Let
    a timer of the system call it every few minutes: a turn that comes late, or twice, changes nothing.
    """
    from vesalius import loop, trial

    moment = now or datetime.now(UTC)
    watched: list[Refreshed] = []
    with opened(home) as hospital:
        if usecase:
            turns = [loop.turn(hospital, usecase, moment)]
            loop.outcomes(hospital, usecase, moment)
            trial.turn(hospital, usecase, moment)
        else:
            turns = loop.turn_all(hospital, moment, watched.append)
    for turn in turns:
        done = "" if turn.mode == "off" and turn.error else _turned(turn)
        click.echo(f"{turn.usecase}: {'; '.join(filter(None, (done, turn.error)))}")
    for each in watched:
        if each.silenced or each.error:
            told = f"silenced: {each.silenced}" if each.silenced else f"monitoring: {each.error}"
            click.echo(f"{each.usecase}: {told}")
    if any(turn.error for turn in turns):
        sys.exit(1)


def _turned(turn: Turn) -> str:
    return f"{turn.candidates} due, {turn.filed} new suggestions ({turn.mode})"


@click.command()
@click.argument("suggestion")
@HOME
def replay(suggestion: str, home: Path) -> None:
    """Make a suggestion again from what was known then; print it, byte for byte, or fail."""
    from vesalius import loop
    from vesalius.governance import audit

    with opened(home) as hospital:
        body = loop.replay(hospital, suggestion)
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.SUGGESTION_REPLAYED, suggestion)
        sys.stdout.buffer.write(body + b"\n")
