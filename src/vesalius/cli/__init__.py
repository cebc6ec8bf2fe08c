"""The commands. Each one loads what it needs when it runs, so that asking for help is quick.

One module per subject; :data:`COMMANDS` lists them in the order of the loop.
"""

from __future__ import annotations

from typing import Any, get_args

import click

from vesalius import __version__, logs
from vesalius.cli import (
    academy,
    access,
    audit,
    clients,
    codes,
    consent,
    data,
    demo,
    dossier,
    explanation,
    hl7v2,
    house,
    identity,
    lake,
    maps,
    models,
    monitor,
    network,
    people,
    privacy,
    quality,
    quarantine,
    report,
    simulate,
    systems,
    trial,
    uses,
    validation,
    views,
)
from vesalius.errors import VesaliusError


class Commands(click.Group):
    """Turns an expected error into one line and exit code 1; a defect still shows its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that was asked for."""
        try:
            return super().invoke(ctx)
        except VesaliusError as error:
            click.secho(f"vesalius: {error}", fg="red", err=True)
            ctx.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the order of the loop, not of the alphabet."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vesalius")
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.option(
    "--log",
    type=click.Choice(get_args(logs.Form)),
    default="text",
    envvar="VESALIUS_LOG",
    help="How lines on standard error look: for people, or as JSON for a collector.",
)
def main(verbose: bool, log: logs.Form) -> None:
    """Brings AI to the bedside safely: evidence, suggestion, a person decides, outcome, evaluation."""
    logs.begin(log, verbose=verbose)


COMMANDS: tuple[click.Command, ...] = (
    demo.demo,
    data.ingest,
    hl7v2.hl7v2_command,
    maps.map_group,
    network.listen,
    network.send,
    network.messages,
    quarantine.quarantine,
    quality.quality,
    lake.lake,
    views.view,
    codes.codes,
    identity.identity_command,
    uses.usecases,
    uses.new,
    uses.check_command,
    uses.train,
    models.model_group,
    uses.adopt,
    validation.validate,
    report.report_command,
    report.answer_command,
    uses.run_command,
    monitor.monitor,
    simulate.simulate,
    uses.replay,
    explanation.explain,
    explanation.notice,
    systems.system,
    dossier.dossier_group,
    trial.trial_command,
    privacy.privacy,
    audit.audit_group,
    people.person,
    academy.academy,
    access.access,
    consent.consent_group,
    clients.client,
    house.serve_command,
)
"""In the order of the loop, which is the order that ``vesalius --help`` keeps."""

for command in COMMANDS:
    main.add_command(command)
