"""The validation report: writing it, and answering what no machine can fill."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, LANGUAGES, opened, progress, written

LANGUAGE = click.option(
    "--language",
    "languages",
    type=click.Choice(LANGUAGES),
    multiple=True,
    help="Of the report; repeat it for more. All four when left out.",
)


@click.command("report")
@click.argument("usecase")
@click.option("--run", "run_id", default="", help="The validation run.  [default: the latest]")
@click.option(
    "--format",
    "formats",
    type=click.Choice(["html", "pdf", "xml", "json"]),
    multiple=True,
    default=("html", "pdf", "xml"),
    show_default=True,
    help="What to write; repeat it for more. The XML is the CHAI card.",
)
@LANGUAGE
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write it.  [default: the hospital's reports]",
)
@HOME
def report_command(
    usecase: str,
    run_id: str,
    formats: tuple[str, ...],
    languages: tuple[str, ...],
    out: Path | None,
    home: Path,
) -> None:
    """Write the validation report of a use: every figure from its stored run, with the answers of people."""
    from vesalius.evaluation import reporting
    from vesalius.governance import answers
    from vesalius.usecase import find

    kind = find(usecase)
    wanted = [(language, each) for language in languages or LANGUAGES for each in formats]
    with progress() as tick, opened(home) as hospital:
        run = reporting.kept(hospital.runs, usecase, run_id)
        given = answers.spoken(hospital.engine, usecase)
        own = reporting.owned(kind, run)
        folder = out or hospital.home / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        for done, (language, each) in enumerate(wanted, 1):
            body = reporting.render(
                each, run, kind.card, language, given, own=own, synthetic=hospital.settings.synthetic
            )
            path = folder / f"{usecase}.{language}.{each}"
            tick("report", done, len(wanted), path.name)
            written(path, body)
        made = reporting.document(run, kind.card, "en", given, own=own)
    click.echo(f"run {run.id}, SHA-256 {made.digest}")
    parts = f"{made.filled} of {len(reporting.ITEMS)} parts filled by machine"
    click.echo(f"TRIPOD+AI: {parts}, {made.asked} questions open")


@click.command("answer")
@click.argument("usecase")
@click.argument("question", required=False)
@click.argument("text", required=False)
@click.option("--by", "login", default="", help="The account of the one who answers.")
@click.option("--undo", is_flag=True, help="Take the last change of the answer back.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", help="Of the list of questions.")
@HOME
def answer_command(
    usecase: str,
    question: str | None,
    text: str | None,
    login: str,
    undo: bool,
    language: str,
    home: Path,
) -> None:
    """List what no machine can fill in the report of a use; or answer one QUESTION with TEXT.

    Its owner answers, with an account and its password; the report shows the answer with name and date.
    """
    from vesalius.evaluation import latest, reporting
    from vesalius.governance import answers, people
    from vesalius.usecase import find

    card = find(usecase).card
    with opened(home) as hospital:
        run = latest(hospital.runs, usecase)
        if question is None:
            listed = reporting.questionnaire(language, answers.spoken(hospital.engine, usecase), run, card)
            for item in listed:
                state = f"{item.by}: {item.answer}" if item.answer else f"{item.owner}, {item.due}"
                click.echo(f"{item.key:<20} {item.words}\n{'':<20} {state}")
            return
        if not login or (text is None) != undo:
            raise click.UsageError(
                "answer a question with its TEXT and --by LOGIN, or take it back with --undo"
            )
        password = click.prompt(f"Password of {login}", hide_input=True)
        person = people.sign_in(hospital.engine, login, password)
        seen = answers.history(hospital.engine, usecase, question)
        after = seen[0].version if seen else 0
        if text is None:
            made = answers.undo(hospital.engine, usecase, question, person, after=after)
        else:
            run_id = run.id if run else ""
            made = answers.answer(hospital.engine, usecase, question, text, person, run=run_id, after=after)
    click.echo(f"{question}: version {made.version}, {'answered' if made.text else 'open again'}")
