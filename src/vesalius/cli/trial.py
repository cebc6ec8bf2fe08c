"""The silent trial of a use: planning it, registering it, its looks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, NOW, opened

if TYPE_CHECKING:
    from vesalius.evaluation.endpoints import Name
    from vesalius.evaluation.sequential import Bounds
    from vesalius.hospital import Hospital
    from vesalius.trial import Draft, Look, Plan, State

ENDPOINT = click.option(
    "--endpoint",
    type=click.Choice(["auroc", "sensitivity", "ppv", "sensitivity_gain", "net_benefit_gain", "calibration"]),
    default="auroc",
    show_default=True,
    help="The primary endpoint.",
)

WORDS = {
    "none": "nothing is registered",
    "waiting": "registered; the use does not run in silence yet",
    "go_on": "go on",
    "success": "enough seen: success",
    "uneven": "enough seen: success on the whole, and worse in a group that must not be",
    "futile": "enough seen: will not succeed",
    "maximum": "all that was planned is seen: success was not shown",
}
"""Each verdict for people."""


@click.group("trial")
def trial_command() -> None:
    """The silent trial of a use: what it must show, how much is needed, when enough has been seen."""


@trial_command.command("plan")
@click.argument("usecase")
@ENDPOINT
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change one number of the plan: value, expected, prevalence, power, looks, wait_days …",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan there, to edit and register.",
)
@HOME
def plan_command(
    usecase: str, endpoint: Name, changes: tuple[str, ...], out: Path | None, home: Path
) -> None:
    """Propose a plan from the latest validation run, and compute how many patients it needs."""
    import msgspec

    from vesalius.trial import size

    with opened(home) as hospital:
        draft = _changed(_proposed(hospital, usecase, endpoint), changes)
    total = size(draft)
    if out:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(draft), indent=1) + b"\n")
    aim = draft.aim
    bounds = (
        f"between {aim.value:g} and {aim.upper:g}" if endpoint == "calibration" else f"above {aim.value:g}"
    )
    click.echo(f"{endpoint}: to show that it lies {bounds}; expected {aim.expected:g}")
    click.echo(f"acts: {', '.join(draft.acts)}; with the outcome {aim.prevalence:.1%} of patients")
    click.echo(f"at most about {total.needed.patients} patients, {draft.looks} looks")
    low, _, high = total.expected
    click.echo(f"on average {high} patients if it is as good as expected, {low} if it is not")
    for share, upper, lower in zip(*_bounds(total.design.bounds), strict=True):
        click.echo(f"  at {share:.0%}: success from z = {upper:.3f}, will not succeed from {lower:.3f}")


@trial_command.command("register")
@click.argument("usecase")
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--by", "login", required=True, help="The account that answers for it.")
@click.option("--reason", required=True, help="Why; kept with the name.")
@click.password_option(confirmation_prompt=False, help="Of that account; asked for when it is not given.")
@HOME
def register_command(usecase: str, plan: Path, login: str, reason: str, password: str, home: Path) -> None:
    """Register a PLAN that `vesalius trial plan --out` wrote: it cannot be changed, only replaced."""
    import msgspec

    from vesalius.errors import UnreadableInput
    from vesalius.governance import people
    from vesalius.trial import Draft, register

    try:
        draft = msgspec.json.decode(plan.read_bytes(), type=Draft)
    except msgspec.MsgspecError as error:
        raise UnreadableInput(f"{plan.name} is not a plan: {error}") from error
    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        made = register(hospital, usecase, person, draft, reason=reason)
    click.echo(f"plan {made.number} of {usecase}, {made.hash}")


@trial_command.command("look")
@click.argument("usecase")
@NOW
@HOME
def look_command(usecase: str, now: datetime | None, home: Path) -> None:
    """Take the look that is due, as `vesalius run` does; there is none between the planned ones."""
    from vesalius.trial import look

    with opened(home) as hospital:
        made = look(hospital, usecase, now or datetime.now(UTC))
    for line in _look(made):
        click.echo(line)


@trial_command.command("show")
@click.argument("usecase")
@NOW
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
@HOME
def show_command(usecase: str, now: datetime | None, as_json: bool, home: Path) -> None:
    """How far the trial is: how many seen, when the next look is due, what the looks so far found."""
    import msgspec

    from vesalius.trial import state

    with opened(home) as hospital:
        stands = state(hospital, usecase, now or datetime.now(UTC))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(stands) | {"seal": stands.seal}, indent=1))
        return
    for line in _lines(stands):
        click.echo(line)


def _proposed(hospital: Hospital, usecase: str, endpoint: Name) -> Draft:
    from vesalius.evaluation import latest
    from vesalius.trial import propose
    from vesalius.usecase import find

    run = latest(hospital.runs, usecase) if hospital.runs.is_dir() else None
    if run is None:
        click.echo("no validation run here: the numbers are only places to start from", err=True)
    return propose(find(usecase).card, run, endpoint)


def _changed(draft: Draft, changes: tuple[str, ...]) -> Draft:
    """The draft with ``NAME=VALUE`` changes; lists are separated by commas."""
    import msgspec

    from vesalius.errors import InvalidSetting
    from vesalius.trial import Draft

    body = msgspec.to_builtins(draft)
    for change in changes:
        name, sign, value = change.partition("=")
        where = body["aim"] if name in body["aim"] else body
        if not sign or name not in where:
            known = ", ".join(sorted({*body, *body["aim"]} - {"aim"}))
            raise InvalidSetting(f"{change!r} changes nothing", hint=f"NAME=VALUE, of {known}")
        where[name] = value.split(",") if isinstance(where[name], list | tuple) else value
    try:
        return msgspec.convert(body, Draft, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSetting(f"the plan does not hold together: {error}") from error


def _lines(stands: State) -> list[str]:
    lines = [f"{stands.usecase}: {WORDS[stands.verdict]}"]
    if stands.changed:
        lines.append(f"it no longer speaks for the use: {stands.changed}")
    if stands.plan is None or stands.accrual is None:
        return lines
    lines += _planned(stands.plan)
    seen = stands.accrual
    share = f"{seen.fraction:.0%} of the information"
    lines.append(f"seen {seen.patients} patients, {seen.events} with the outcome: {share}")
    lines.append(f"outcome missing {seen.missing}, waited for {seen.waiting}, out of scope {seen.beyond}")
    lines.append(f"further suggestions about the same patients {seen.repeats}")
    for look in stands.looks:
        lines += _look(look)
    if stands.next_fraction is not None:
        when = f", about {stands.next_at:%Y-%m-%d}" if stands.next_at else ""
        lines.append(f"next look at {stands.next_fraction:.0%}{when}{': due' if stands.due else ''}")
    return lines


def _planned(plan: Plan) -> list[str]:
    most = f"at most about {plan.patients} patients in {len(plan.fractions)} looks"
    return [
        f"plan {plan.number} of {plan.at:%Y-%m-%d} by {plan.by}: {plan.hash}",
        f"{plan.aim.endpoint} above {plan.aim.value:g}, {most}",
    ]


def _look(look: Look) -> list[str]:
    from vesalius.evaluation.run import figure

    share, upper, lower = (each[-1] for each in _bounds(look.bounds))
    limits = f"(success {upper:.3f}, futile {lower:.3f})"
    lines = [
        f"look {look.number} of {look.at:%Y-%m-%d} at {share:.0%}: {WORDS[look.verdict]}; {look.hash}",
        f"  {figure(look.interval)}, z = {look.measured.z:.3f} {limits}",
    ]
    if look.extremes:
        lines.append(f"  with what is missing between {look.extremes[0]:.3f} and {look.extremes[1]:.3f}")
    return lines


def _bounds(bounds: Bounds) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    return bounds.fractions, bounds.upper, bounds.lower
