"""Making files unrecognisable: resources under pseudonyms, free text, images."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesalius.cli._shared import HOME, opened, progress

if TYPE_CHECKING:
    from vesalius.privacy.dates import Shifting
    from vesalius.privacy.extracts import Report
    from vesalius.privacy.text import Recogniser

SOURCE = click.argument("source", type=click.Path(path_type=Path, exists=True))
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to make; what is held back is listed beside it, in OUT.held.ndjson.",
)
PERMIT = click.option(
    "--permit",
    required=True,
    help="The permit (or study): pseudonyms and dates are its own, always the same.",
)


def shifting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How far dates move, for the commands that move them."""
    for option in (
        click.option("--backward", is_flag=True, help="Move dates back only, so that none is in the future."),
        click.option("--weekdays", is_flag=True, help="Move by whole weeks: a Monday stays one."),
        click.option(
            "--days",
            type=click.IntRange(1, 3653),
            default=182,
            show_default=True,
            help="The most days by which dates move; each patient by their own number.",
        ),
    ):
        command = option(command)
    return command


def _shifting(days: int, weekdays: bool, backward: bool) -> Shifting:
    from vesalius.privacy.dates import Shifting

    made = Shifting(days, weekdays, "backward" if backward else "both")
    made.check()
    return made


@click.command("pseudonymise")
@SOURCE
@PERMIT
@OUT
@click.option(
    "--texts",
    type=click.Choice(["remove", "scrub"]),
    default="remove",
    show_default=True,
    help="Words are removed, or scrubbed, which keeps more and is less certain.",
)
@click.option("--postcode", type=click.IntRange(0, 4), default=2, show_default=True, help="Digits that stay.")
@click.option("--extension", "extensions", multiple=True, help="The address of an extension that is safe.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which ages are judged, the same for every extract of a permit; left out: this day.",
)
@shifting_options
@HOME
def pseudonymise(
    source: Path,
    permit: str,
    out: Path,
    texts: str,
    postcode: int,
    extensions: tuple[str, ...],
    today: datetime.datetime | None,
    days: int,
    weekdays: bool,
    backward: bool,
    home: Path,
) -> None:
    """Put FHIR resources under the pseudonyms of a permit.

    SOURCE is a file, or a folder of them: NDJSON (also .gz) or JSON. Out comes one file for each type.
    """
    from vesalius.errors import VesaliusError
    from vesalius.fhir import dump, load
    from vesalius.governance import secondary
    from vesalius.privacy.extracts import Extract, Report, files, lines
    from vesalius.privacy.pseudonyms import Secrets
    from vesalius.privacy.resources import Pseudonymiser

    shifting = _shifting(days, weekdays, backward)
    made = Secrets(home.expanduser()).pseudonyms(permit)
    day = today.date() if today else datetime.datetime.now(datetime.UTC).date()
    work = Pseudonymiser(made, day, shifting, "scrub" if texts == "scrub" else "remove", postcode, extensions)
    found = files(source, ".ndjson", ".ndjson.gz", ".json")
    without = _refusing(home)[0] | secondary.said(_every_line(found))
    with progress() as tick, Extract(out, Report(permit, made.version)) as extract:
        for number, path in enumerate(found if texts == "scrub" else [], 1):
            tick("learning names", number, len(found), path.name)
            try:
                for _, line in lines(path):
                    _learn(work, line)
            except VesaliusError:
                continue  # it is held back below, with its reason
        for number, path in enumerate(found, 1):
            place = 0
            try:
                for place, line in lines(path):
                    try:
                        resource = load(line)
                        if whom := _concerned(resource, line, without):
                            extract.refuse(path.name, place, whom)
                            continue
                        done = work.pseudonymise(resource)
                    except VesaliusError as error:
                        extract.hold(path.name, place, error.message)
                        continue
                    new = done.resource
                    extract.line(f"{new['resourceType']}.ndjson", new.get("id", ""), dump(new), done.counts)
                    tick("resources", number, len(found), f"{extract.report.read:,}")
            except VesaliusError as error:
                extract.hold(path.name, place + 1, error.message)
            tick("resources", number, len(found), f"{extract.report.read:,}")
    _tell(out, extract.report)


def _refusing(home: Path) -> tuple[frozenset[str], dict[str, str]]:
    """Who refuses in the hospital of a folder, and by which numbers they are known; says if there is none."""
    from vesalius.governance import consent, secondary
    from vesalius.settings import Settings

    home = home.expanduser()
    if not ((home / "vesalius.sqlite").exists() or Settings.load(home).database):
        click.echo("no hospital there: who refuses is known from Consents among the files alone", err=True)
        return frozenset(), {}
    with opened(home) as hospital:
        found = consent.excluded(hospital.lake, consent.Kind.SECONDARY)
        return found, secondary.numbers(hospital.lake, found)


def _every_line(found: Iterable[Path]) -> Iterator[bytes]:
    from vesalius.errors import VesaliusError
    from vesalius.privacy.extracts import lines

    for path in found:
        try:
            for _, line in lines(path):
                yield line
        except VesaliusError:
            continue  # it is held back, with its reason


def _concerned(resource: dict[str, Any], line: bytes, without: frozenset[str]) -> frozenset[str]:
    """Those among some patients whom a resource concerns."""
    from vesalius import fhir
    from vesalius.lake import concerns

    kind, subject = str(resource.get("resourceType", "")), fhir.subject(resource)
    if not without or not concerns(kind, subject, line, without):
        return frozenset()
    return without & {*fhir.named(line), *([subject] if subject else [])}


def _learn(work: Any, line: bytes) -> None:
    from vesalius.errors import InvalidResource
    from vesalius.fhir import load

    try:
        work.learn(load(line))
    except InvalidResource:
        return


@click.command("scrub-text")
@SOURCE
@OUT
@click.option("--permit", help="The permit (or study): files are then named by its pseudonyms.")
@click.option(
    "--patient", help="With --permit: the id of the patient whom all the texts are about; dates then move."
)
@click.option(
    "--names",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Names that are known, one a line: the patient's, the practitioners'.",
)
@click.option("--recogniser", "recognisers", multiple=True, help="A model that is installed, to find more.")
@shifting_options
@HOME
def scrub_text(
    source: Path,
    out: Path,
    permit: str | None,
    patient: str | None,
    names: Path | None,
    recognisers: tuple[str, ...],
    days: int,
    weekdays: bool,
    backward: bool,
    home: Path,
) -> None:
    """Take what identifies out of texts in French, Dutch, German or English.

    SOURCE is a file, or a folder of .txt files in UTF-8. Dates go; with --permit and --patient they move.
    """
    from vesalius.errors import NotAllowed
    from vesalius.privacy.dates import shift_of
    from vesalius.privacy.extracts import Extract, Report, files
    from vesalius.privacy.pseudonyms import Secrets
    from vesalius.privacy.text import Scrubber

    if patient and not permit:
        raise click.UsageError("--patient needs --permit")
    if patient and f"Patient/{patient}" in _refusing(home)[0]:
        raise NotAllowed("this patient refuses any use of their data but their care")
    made = Secrets(home.expanduser()).pseudonyms(permit) if permit else None
    shifting = _shifting(days, weekdays, backward)
    shift = shift_of(made, f"Patient/{patient}", shifting) if made and patient else None
    known = names.read_text(encoding="utf-8").split("\n") if names else []
    scrubber = Scrubber([name.strip() for name in known if name.strip()], shift, _recognisers(recognisers))
    found = files(source, ".txt")
    report = Report(made.permit, made.version) if made else Report()
    with progress() as tick, Extract(out, report) as extract:
        for number, path in enumerate(found, 1):
            try:
                done = scrubber.scrub(path.read_bytes().decode())
            except UnicodeDecodeError:
                extract.hold(path.name, 0, "is not UTF-8")
                continue
            name = made.of("document", str(path.relative_to(source.parent))) if made else f"{number:06}"
            extract.file(f"{name}.txt", done.text.encode(), done.counts)
            tick("texts", number, len(found), f"{number:,}")
    _tell(out, extract.report)


def _recognisers(names: tuple[str, ...]) -> list[Recogniser]:
    from importlib.metadata import entry_points

    from vesalius.errors import NotFound

    installed = {point.name: point for point in entry_points(group="vesalius.recognisers")}
    if missing := [name for name in names if name not in installed]:
        raise NotFound(f"no recogniser {missing[0][:64]!r} is installed")
    return [installed[name].load() for name in names]


@click.command("scrub-dicom")
@SOURCE
@PERMIT
@OUT
@click.option(
    "--keep",
    "options",
    type=click.Choice(["descriptors", "dates", "characteristics", "device", "institution"]),
    multiple=True,
    help="An option of the profile: clean descriptions, move dates, keep what is named; repeat it for more.",
)
@click.option(
    "--regions",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Where the hospital's machines write on their images (TOML).",
)
@click.option("--system", default="", help="The naming system of the patient's number, as in the FHIR data.")
@click.option(
    "--patients",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The FHIR id of each number (CSV: number,patient): images then go with the resources.",
)
@shifting_options
@HOME
def scrub_dicom(
    source: Path,
    permit: str,
    out: Path,
    options: tuple[str, ...],
    regions: Path | None,
    system: str,
    patients: Path | None,
    days: int,
    weekdays: bool,
    backward: bool,
    home: Path,
) -> None:
    """Clean images by DICOM PS3.15, annex E; what may have words burned in is held back.

    SOURCE is a file, or a folder of them, whatever their names.
    """
    from vesalius.errors import NotScrubbed, UnreadableInput
    from vesalius.privacy.dicom import Cleaner, Option, Refused, read_patients, read_regions
    from vesalius.privacy.extracts import Extract, Report, files
    from vesalius.privacy.pseudonyms import Secrets

    shifting = _shifting(days, weekdays, backward)
    made = Secrets(home.expanduser()).pseudonyms(permit)
    known = read_regions(regions) if regions else ()
    people = read_patients(patients) if patients else None
    refusing, without = _refusing(home)
    listed = {number: f"Patient/{each}" for number, each in (people or {}).items()}
    without |= {number: each for number, each in listed.items() if each in refusing}
    work = Cleaner(made, [Option(option) for option in options], shifting, known, system, people, without)
    found = files(source)
    with progress() as tick, Extract(out, Report(permit, made.version)) as extract:
        for number, path in enumerate(found, 1):
            try:
                done = work.clean(path.read_bytes())
            except Refused as refused:
                extract.refuse(path.name, 0, [refused.patient])
            except (NotScrubbed, UnreadableInput) as error:
                extract.hold(path.name, 0, error.message)
            else:
                extract.file(f"{done.name}.dcm", done.body, {**done.counts, f"pixels: {done.pixels}": 1})
            tick("images", number, len(found), f"{number:,}")
    _tell(out, extract.report)


def _tell(out: Path, report: Report) -> None:
    held = sum(report.held.values())
    click.echo(f"{report.read:,} read, {report.written:,} written, {held:,} held back")
    for kind, count in report.changed.items():
        click.echo(f"{count:>10,}  {kind}")
    for reason, count in report.held.items():
        click.echo(f"{count:>10,}  held back: {reason}")
    if report.left_out != "0":
        click.echo(f"left out, for they refuse any use but their care: {report.left_out} patients")
    click.echo(f"wrote {out}", err=True)


@click.command("secrets")
@click.option("--rotate", is_flag=True, help="Make a new secret: new permits use it, others keep theirs.")
@click.option("--destroy", type=int, help="Destroy an older secret: its permits end, and nobody can go back.")
@HOME
def secrets(rotate: bool, destroy: int | None, home: Path) -> None:
    """The secrets behind the pseudonyms: their versions, and which permit uses which; never a secret."""
    from vesalius.privacy.pseudonyms import Secrets

    kept = Secrets(home.expanduser())
    if rotate:
        kept.rotate()
    if destroy is not None:
        kept.destroy(destroy)
    for version, permits in kept.versions().items():
        click.echo(f"{version:>4}  {', '.join(permits) or 'no permit'}")


COMMANDS = (pseudonymise, scrub_text, scrub_dicom, secrets)
