"""The audit: does the chain hold, what was signed of it, proofs, FHIR, and who looked at a patient."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened, written

if TYPE_CHECKING:
    from vesalius.governance.audit.proofs import Opens

HEADS = click.option(
    "--head",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A head that was noted elsewhere; may be given several times.",
)
OUT = click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")


@click.group("audit", invoke_without_command=True)
@HOME
@click.pass_context
def audit_group(context: click.Context, home: Path) -> None:
    """Verify the audit; sign it, prove it, export it, ask who looked at a patient."""
    if context.invoked_subcommand is None:
        _verify(home, ())


@audit_group.command()
@click.argument("to", required=False)
@HOME
def algorithm(to: str | None, home: Path) -> None:
    """Say what the audit is hashed with, or hash it with a later algorithm, TO, from now on."""
    from vesalius.governance import audit
    from vesalius.governance.audit import chain

    with opened(home) as hospital:
        if to:
            audit.move_on(hospital.engine, audit.SYSTEM, to)
        now = chain.algorithm(audit.head(hospital.engine).hash)
    click.echo(f"{now}, of {', '.join(chain.ALGORITHMS)}")


@audit_group.command()
@HEADS
@HOME
def verify(files: tuple[Path, ...], home: Path) -> None:
    """Verify that no event was altered, removed, added or reordered, and that signed heads fit."""
    _verify(home, files)


def _verify(home: Path, files: tuple[Path, ...]) -> None:
    from vesalius.governance import audit

    with opened(home) as hospital:
        noted = [audit.heads.opened(_text(file), hospital.keys) for file in files]
        count = audit.verify(hospital.engine, keys=hospital.keys, elsewhere=noted)
    click.echo(f"{count} events, chain intact")


@audit_group.command()
@OUT
@HOME
def head(out: Path | None, home: Path) -> None:
    """Sign the audit as it is now. Keep the head elsewhere: nobody can rewrite unnoticed what it covers."""
    from vesalius.governance import audit

    with opened(home) as hospital:
        signed = audit.heads.sign(hospital.engine, hospital.keys)
    click.echo(
        f"{signed.head.size} events, root {signed.head.root}, {signed.head.at:%Y-%m-%d %H:%M:%S} UTC",
        err=True,
    )
    _give(out, signed.token.encode() + b"\n")


@audit_group.command()
@click.argument("event", type=click.IntRange(1))
@click.option("--hash-only", is_flag=True, help="Prove the event's hash without showing the event.")
@OUT
@HOME
def proof(event: int, hash_only: bool, out: Path | None, home: Path) -> None:
    """Prove that EVENT, by its number, is in the audit that was signed: JSON for check-proof."""
    from vesalius.governance.audit import proofs

    with opened(home) as hospital:
        made = proofs.inclusion(hospital.engine, hospital.keys, event, told=not hash_only)
    _give(out, proofs.write(made))


@audit_group.command()
@click.argument("older", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@OUT
@HOME
def consistency(older: Path, out: Path | None, home: Path) -> None:
    """Prove that the audit only grew since the head in the file OLDER was signed: JSON for check-proof."""
    from vesalius.governance.audit import proofs

    with opened(home) as hospital:
        made = proofs.consistency(hospital.engine, hospital.keys, _text(older))
    _give(out, proofs.write(made))


@audit_group.command("check-proof")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The hospital's public key, as vesalius model key prints it; without it, the keys of --home.",
)
@HOME
def check_proof(file: Path, key: Path | None, home: Path) -> None:
    """Check a proof without the database: only the hospital's public key is needed."""
    from vesalius.governance.audit import proofs

    opens = proofs.with_key(key.read_bytes()) if key else _known(home)
    click.echo(proofs.check(proofs.load(file.read_bytes()), opens))


def _known(home: Path) -> Opens:
    from vesalius.governance.audit import heads
    from vesalius.modelling import Keys

    keys = Keys(home.expanduser() / "keys")
    return lambda token: heads.opened(token, keys)


@audit_group.command()
@click.option("--fhir", is_flag=True, required=True, help="As FHIR R4 AuditEvents (IHE BALP), one a line.")
@click.option("--patient", default="", help="Only what is about this Patient/ID.")
@OUT
@HOME
def export(fhir: bool, patient: str, out: Path | None, home: Path) -> None:  # noqa: ARG001
    """Write every event, the oldest first; that it was exported is an event too."""
    from vesalius.fhir import dump
    from vesalius.governance import audit
    from vesalius.governance.audit import balp, chain

    with opened(home) as hospital:
        detail = {"exported": True} | ({"subject": patient} if patient else {})
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.AUDIT_READ, "audit", detail)
        lines = (
            dump(each) + b"\n"
            for event in chain.oldest_first(hospital.engine, patient=patient)
            for each in balp.resources(event, hospital.settings.hospital, patient=patient)
        )
        if out is None:
            sys.stdout.buffer.writelines(lines)
            return
        partial = out.with_name(f"{out.name}.partial")
        with partial.open("wb") as file:
            file.writelines(lines)
        partial.replace(out)
    click.echo(f"wrote {out}", err=True)


@audit_group.command()
@click.argument("patient")
@HOME
def about(patient: str, home: Path) -> None:
    """Who looked at the data of PATIENT (Patient/ID), and which tools spoke about them."""
    from vesalius.governance import audit

    with opened(home) as hospital:
        detail = {"subject": patient}
        found = audit.about(hospital.engine, patient)
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.AUDIT_READ, "audit", detail)
    click.echo(f"{found.total} events about {', '.join(found.same)}")
    for look in found.looks:
        urgent = " (emergency)" if look.emergency else ""
        click.echo(
            f"{look.at:%Y-%m-%d %H:%M:%S}  {look.name:<24} {', '.join(look.roles):<12} {look.purpose:<10}"
            f" {look.action}{urgent}"
        )
    for said in found.spoken:
        decided = f"{said.decided} by {said.by} ({said.role})" if said.decided else said.status
        click.echo(f"{said.at:%Y-%m-%d %H:%M:%S}  {said.usecase} {said.version}, {said.mode}: {decided}")
    for wide in found.wide:
        click.echo(
            f"{wide.count} times {wide.action} of many by {wide.name}, last {wide.last:%Y-%m-%d %H:%M}"
        )


def _text(file: Path) -> str:
    return file.read_bytes()[:8192].decode("ascii", "replace").strip()


def _give(out: Path | None, body: bytes) -> None:
    if out is None:
        click.echo(body.decode(), nl=False)
    else:
        written(out, body)
