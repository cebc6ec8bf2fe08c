"""Local codes: the work-list, mapping them, sharing the mappings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesalius.cli._shared import HOME, Tick, opened, progress

if TYPE_CHECKING:
    from vesalius.hospital import Hospital

BY = click.option("--by", required=True, help="The account of the person who decides.")
REASON = click.option("--reason", required=True, help="Why; it is kept with the decision.")
WAIT = click.option("--wait", is_flag=True, help="Leave the past as it is until “vesalius codes apply”.")


@click.group("codes", invoke_without_command=True)
@click.option("--kind", default="", help="Only one kind of element, such as Observation.code.")
@click.option("--source", default="", help="Only one feed.")
@click.option("--all", "every", is_flag=True, help="Those decided on too.")
@click.option("--limit", type=int, default=20, show_default=True)
@HOME
@click.pass_context
def codes(context: click.Context, kind: str, source: str, every: bool, limit: int, home: Path) -> None:
    """The local codes that nobody has mapped yet, by how often they came; and mapping them."""
    context.default_map = {name: {"home": home} for name in codes.commands}
    if context.invoked_subcommand:
        return
    from vesalius import terminology

    with opened(home) as hospital:
        with progress() as tick:
            terminology.refresh(hospital.lake, tick=_shown(tick, "count"))
        found = terminology.worklist(hospital.engine, kind=kind, source=source)
        guesses = terminology.Suggestions(hospital.engine)
        for each in (found.entries if every else found.open)[:limit]:
            click.echo(_line(each, guesses.of(each, 1)))
        _totals(found, terminology.waiting(hospital.engine))


def _line(each: Any, guesses: list[Any]) -> str:
    key = each.key
    unit = f" [{key.unit}]" if key.unit else ""
    called = f" {each.name!r}" if each.name != key.code else ""
    if each.decisions:
        means = each.decisions[0]
        tail = f"= {means.target_code or 'not mappable'} ({means.by})"
    elif guesses:
        tail = f"? {guesses[0].system_name} {guesses[0].code} ({guesses[0].score:.0%})"
    else:
        tail = ""
    return f"{each.count:>9}  {key.kind:<22} {key.system}|{key.code}{unit}{called}  {tail}".rstrip()


def _totals(found: Any, waiting: int) -> None:
    whole, curve = found.whole, found.curve()
    click.echo(
        f"{whole.before:.1%} of {whole.total} codes came coded, {whole.after:.1%} are with the mappings; "
        f"the next 20 would make it {curve[min(20, len(curve) - 1)]:.1%}"
    )
    if found.hidden:
        click.echo(f"{found.hidden} came in words that are not shown: too long, or about one patient only")
    if waiting:
        click.echo(f"{waiting} decisions are not applied to the past yet: vesalius codes apply")


@codes.command("map")
@click.argument("code", metavar="SYSTEM|CODE")
@click.argument("target", metavar="[SYSTEM|]CODE")
@click.option("--kind", default="*", help="The kind of element; by default wherever the target is standard.")
@click.option("--unit", default="*", help="Only beside a result in this unit; by default in any.")
@click.option("--display", default="", help="What the local code is called.")
@click.option("--target-display", default="", help="What the target is called.")
@click.option("--equivalence", default="equivalent", show_default=True, help="As in a FHIR ConceptMap.")
@BY
@REASON
@WAIT
@HOME
def map_command(code: str, target: str, by: str, reason: str, wait: bool, home: Path, **given: Any) -> None:
    """Say what a local code means; TARGET “none” says that it means nothing standard.

    Words without a code are mapped as “text|the words”, with their --kind.
    """
    from vesalius.governance import codes as governed
    from vesalius.governance import people
    from vesalius.terminology import NOT_MAPPABLE, Decision

    system, bare = _parted(code)
    wanted = ("", "") if target == "none" else _target(target)
    if target == "none":
        given["equivalence"] = NOT_MAPPABLE
    decision = Decision(system=system, code=bare, target_system=wanted[0], target_code=wanted[1], **given)
    with opened(home) as hospital:
        person = people.get(hospital.engine, by)
        click.echo(f"decided: {governed.map_code(hospital.engine, decision, person, reason=reason).uid}")
        if not wait:
            _apply(hospital, by)


def _parted(code: str) -> tuple[str, str]:
    from vesalius.errors import InvalidMap
    from vesalius.terminology import TEXT

    system, bar, bare = code.rpartition("|")
    if not bar:
        raise InvalidMap("a local code has the form SYSTEM|CODE, words the form text|WORDS")
    return TEXT if system == "text" else system, bare


def _target(target: str) -> tuple[str, str]:
    from vesalius.terminology.standards import system_of

    system, _, code = target.rpartition("|")
    return system_of(system or "LOINC").url, code


@codes.command("withdraw")
@click.argument("decision")
@BY
@REASON
@WAIT
@HOME
def withdraw_command(home: Path, decision: str, by: str, reason: str, wait: bool) -> None:
    """Take a decision back, by the name that mapping it or “vesalius codes history” printed."""
    from vesalius.governance import codes as governed
    from vesalius.governance import people

    with opened(home) as hospital:
        governed.withdraw_code(hospital.engine, decision, people.get(hospital.engine, by), reason=reason)
        click.echo("withdrawn")
        if not wait:
            _apply(hospital, by)


@codes.command("history")
@HOME
def history_command(home: Path) -> None:
    """Every decision there ever was, the newest last."""
    from vesalius import terminology

    with opened(home) as hospital:
        for each in terminology.decisions(hospital.engine):
            back = f", withdrawn by {each.withdrawn.by}: {each.withdrawn.reason}" if each.withdrawn else ""
            means = f"{each.target_system}|{each.target_code}" if each.target_code else "not mappable"
            click.echo(
                f"{each.at:%Y-%m-%d %H:%M}  {each.uid}  {each.system}|{each.code} = {means} "
                f"({each.equivalence}) by {each.by}: {each.reason}{back}"
            )


@codes.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@HOME
def export_command(home: Path, file: Path) -> None:
    """Write the decisions in force to FILE, as a FHIR ConceptMap."""
    from vesalius import fhir
    from vesalius.terminology.conceptmap import export

    with opened(home) as hospital:
        made = export(hospital.engine, title=hospital.settings.hospital)
    file.write_bytes(fhir.dump(made) + b"\n")
    click.echo(f"wrote {sum(len(group['element']) for group in made.get('group', []))} codes to {file}")


@codes.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@BY
@REASON
@WAIT
@HOME
def import_command(home: Path, file: Path, by: str, reason: str, wait: bool) -> None:
    """Take over the mappings of a FHIR ConceptMap, or of a CSV table, unless decided otherwise here."""
    from vesalius.governance import codes as governed
    from vesalius.governance import people

    with opened(home) as hospital:
        person = people.get(hospital.engine, by)
        done = governed.import_codes(hospital.engine, file.read_bytes(), person, reason=reason)
        click.echo(
            f"{done.added} added, {done.unchanged} in force already, {done.kept} decided otherwise here"
        )
        if done.added and not wait:
            _apply(hospital, by)


@codes.command("apply")
@click.option("--recount", is_flag=True, help="Count every code again from the log.")
@HOME
def apply_command(home: Path, recount: bool) -> None:
    """Apply the decisions to the past; broken off, it goes on where it was."""
    from vesalius import terminology

    with opened(home) as hospital:
        if recount:
            terminology.recount(hospital.engine)
            with progress() as tick:
                terminology.refresh(hospital.lake, tick=_shown(tick, "count"))
        _apply(hospital, "system")


def _apply(hospital: Hospital, who: str) -> None:
    from vesalius.governance import codes as governed

    with progress() as tick:
        recoded = governed.apply_codes(hospital.lake, who, tick=_shown(tick, "re-code"))
    click.echo(f"re-coded {recoded} versions of the past")


def _shown(tick: Tick, what: str) -> Callable[[str, int, int], None]:
    return lambda type_, done, total: tick(f"{what} {type_}", done, total, "")
