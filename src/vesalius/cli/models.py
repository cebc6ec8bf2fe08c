"""The model files of the hospital: which there are, what they say, who vouches for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened

if TYPE_CHECKING:
    from vesalius.modelling import Model, Trees

MODEL = click.argument("model")


@click.group("model")
def model_group() -> None:
    """The models that the hospital keeps, and who signed them."""


@model_group.command("list")
@HOME
def list_command(home: Path) -> None:
    """Every model: what kind, learnt from how many, signed by whom."""
    with opened(home) as hospital:
        click.echo(f"{'model':<14}{'kind':<10}{'rows':>8}{'events':>8}  signature")
        for name in hospital.models.names():
            found = hospital.models.verify(name)
            if found.state == "tampered":
                click.echo(f"{name[:12]:<14}{'?':<10}{'?':>8}{'?':>8}  {found}")
                continue
            facts = hospital.models.load(name).facts
            click.echo(f"{name[:12]:<14}{facts.kind:<10}{facts.rows:>8}{facts.events:>8}  {found}")


@model_group.command()
@MODEL
@HOME
def show(model: str, home: Path) -> None:
    """What MODEL, by the first digits of its hash, adds for each value: log odds."""
    from vesalius.modelling import Trees

    with opened(home) as hospital:
        name = hospital.models.find(model)
        found, signature = hospital.models.load(name), hospital.models.verify(name)
    facts = found.facts
    click.echo(f"{name}\n{facts.kind}, learnt from {facts.rows} rows, {facts.events} with the outcome")
    click.echo(f"{signature}\n{len(found.replicates)} bootstrap replicates; data {facts.data[:12]}…\n")
    click.echo(f"{found.base:+.3f}  before any fact")
    if isinstance(found, Trees):
        _trees(found)
    else:
        _points(found)


@model_group.command()
@click.argument("models", nargs=-1)
@HOME
def verify(models: tuple[str, ...], home: Path) -> None:
    """Check the signatures of MODELS, or of all; fails unless every one is signed by a known key."""
    with opened(home) as hospital:
        store = hospital.models
        names = [store.find(model) for model in models] or store.names()
        found = [(name, store.verify(name)) for name in names]
    for name, signature in found:
        click.echo(f"{name[:12]}  {signature}")
    if any(signature.state != "signed" for _, signature in found):
        sys.exit(1)


@model_group.command()
@MODEL
@click.option("--by", default="", help="Who vouches for it.  [default: the account of the system]")
@HOME
def sign(model: str, by: str, home: Path) -> None:
    """Vouch for a MODEL that no known key has signed: one of an older version, or from elsewhere."""
    with opened(home) as hospital:
        hospital.models.sign(model, by)
        name = hospital.models.find(model)
        click.echo(f"{name[:12]}  {hospital.models.verify(name)}")


@model_group.command()
@HOME
def key(home: Path) -> None:
    """Print the hospital's public key, for another hospital to trust."""
    from vesalius.modelling import Keys

    with opened(home) as hospital:
        click.echo(Keys(hospital.home / "keys").public())


@model_group.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--name", required=True, help="Whose key it is.")
@HOME
def trust(file: Path, name: str, home: Path) -> None:
    """Trust the models that the owner of the public key in FILE signs."""
    from vesalius.modelling import Keys

    with opened(home) as hospital:
        thumbprint = Keys(hospital.home / "keys").trust(name, file.read_bytes())
    click.echo(f"{name} is trusted; ask its owner, by another way, whether the key is {thumbprint}")


def _points(model: Model) -> None:
    from vesalius.modelling import points_of

    for name, points in points_of(model).items():
        click.echo(f"\n{name}")
        for value, added in points.items():
            click.echo(f"  {added:+.3f}  {value or '(missing)'}")


def _trees(model: Trees) -> None:
    from collections import Counter

    splits = Counter(model.inputs[place] for tree in model.trees for place in tree.field)
    click.echo(f"\n{len(model.trees)} trees; how often each input is asked about:")
    for name in model.inputs:
        click.echo(f"  {splits[name]:>6}  {name}")
