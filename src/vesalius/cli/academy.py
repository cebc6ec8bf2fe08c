"""Courses, who passed them, and packages for a learning platform."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, opened


@click.group("academy")
def academy() -> None:
    """Short courses for each role and use, and who passed them."""


@academy.command("list")
@click.option("--check", is_flag=True, help="Also read every course whole, in every language.")
@HOME
def list_command(check: bool, home: Path) -> None:
    """List the courses, for whom they are, and the roles that have none."""
    from vesalius import academy as courses
    from vesalius.card import LANGUAGES

    with opened(home) as hospital:
        for head in courses.heads(hospital):
            click.echo(f"{head.name:<24} {head.version:<8} {', '.join(head.roles)}")
            if check:
                for language in LANGUAGES:
                    courses.course(hospital, head.name, language)
        if missing := courses.uncovered(hospital):
            click.echo(f"no course for: {', '.join(missing)}")


@academy.command()
@HOME
def report(home: Path) -> None:
    """Say for each use how many of those who may decide are trained, and who is not."""
    from vesalius import academy as courses
    from vesalius.governance import literacy
    from vesalius.usecase import installed

    with opened(home) as hospital:
        for use in installed():
            ready = courses.readiness(hospital.engine, use)
            asked = literacy.strictness(hospital.settings, use)
            click.echo(f"{use}: {len(ready.trained)} of {ready.total} trained (require_course: {asked})")
            if ready.untrained:
                click.echo(f"  not yet: {', '.join(ready.untrained)}")


@academy.command()
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--language", type=click.Choice(["fr", "nl", "de", "en"]), default="en", show_default=True)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["moodle", "scorm"]),
    default="scorm",
    show_default=True,
    help="moodle: its questions as Moodle XML; scorm: the whole course as a SCORM 1.2 package.",
)
@HOME
def export(name: str, target: Path, language: str, kind: str, home: Path) -> None:
    """Write a course for a learning platform such as Moodle; a file that is there is not overwritten."""
    from vesalius import academy as courses
    from vesalius.errors import Conflict, Unavailable

    with opened(home) as hospital:
        course = courses.course(hospital, name, language)
    content = courses.quiz_xml(course) if kind == "moodle" else courses.package(course)
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise Conflict(f"{target} is there already", hint="choose another name") from None
    except OSError as error:
        raise Unavailable(f"cannot write {target}: {error.strerror}") from None
    click.echo(f"{target}: {len(course.questions)} questions, {len(content)} bytes")
