"""The contract between code and templates: what the pages read is what is documented, both ways."""

import dataclasses
import re
from pathlib import Path

import pytest
from jinja2 import nodes

from vesalius.console import contexts
from vesalius.console.templating import FOLDER, environment

PAGES = {
    "sign_in.html": contexts.SignInPage,
    "worklist.html": contexts.WorklistPage,
    "fresh.html": contexts.FreshPage,
    "suggestion.html": contexts.SuggestionPage,
    "explanation.html": contexts.ExplanationPage,
    "resource.html": contexts.ResourcePage,
    "decisions.html": contexts.DecisionsPage,
    "register.html": contexts.RegisterPage,
    "system.html": contexts.SystemPage,
    "dossier.html": contexts.DossierPage,
    "usecases.html": contexts.UsesPage,
    "usecase.html": contexts.UsePage,
    "thresholds.html": contexts.ThresholdsPage,
    "board.html": contexts.BoardPage,
    "monitoring.html": contexts.MonitoringPage,
    "rules.html": contexts.RulesPage,
    "trial.html": contexts.SilentTrialPage,
    "received.html": contexts.ReceivedPage,
    "quarantine.html": contexts.QuarantinePage,
    "quality.html": contexts.QualityPage,
    "feed.html": contexts.FeedPage,
    "held.html": contexts.HeldPage,
    "attempt.html": contexts.AttemptPage,
    "codes.html": contexts.CodesPage,
    "consents.html": contexts.ConsentsPage,
    "consents_patient.html": contexts.PatientConsentsPage,
    "audit.html": contexts.AuditPage,
    "lookers.html": contexts.LookersPage,
    "glass.html": contexts.GlassPage,
    "access.html": contexts.AccessPage,
    "views.html": contexts.ViewsPage,
    "view.html": contexts.ViewPage,
    "view_write.html": contexts.WritePage,
    "identity.html": contexts.IdentityPage,
    "pair.html": contexts.PairPage,
    "confirm.html": contexts.ConfirmPage,
    "merge.html": contexts.MergePage,
    "report.html": contexts.ReportPage,
    "questions.html": contexts.AskedPage,
    "code.html": contexts.CodePage,
    "own_password.html": contexts.OwnPasswordPage,
    "second_factor.html": contexts.EnrolPage,
    "recovery.html": contexts.RecoveryPage,
    "again.html": contexts.AgainPage,
    "account.html": contexts.AccountPage,
    "people.html": contexts.PeoplePage,
    "academy.html": contexts.AcademyPage,
    "course.html": contexts.CoursePage,
    "quiz.html": contexts.QuizPage,
    "about.html": contexts.AboutPage,
    "error.html": contexts.ErrorPage,
}
CLASSES = [
    each
    for each in vars(contexts).values()
    if dataclasses.is_dataclass(each) and each.__module__.startswith(contexts.__name__)
]


def read(template: str, name: str) -> set[str]:
    tree = environment("en").parse((FOLDER / template).read_text(encoding="utf-8"))
    found = set()
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        if isinstance(node.node, nodes.Name) and node.node.name == name:
            found.add(node.attr if isinstance(node, nodes.Getattr) else str(node.arg.as_const()))
    return found


def names(context: type) -> set[str]:
    return {field.name for field in dataclasses.fields(context)}


@pytest.mark.parametrize("template", sorted(PAGES))
def test_a_page_reads_exactly_the_fields_of_its_context(template):
    assert read(template, "page") == names(PAGES[template])


def test_the_frame_reads_exactly_the_fields_of_the_shell():
    everywhere = set().union(*(read(path.name, "shell") for path in FOLDER.glob("*.html")))
    assert everywhere == names(contexts.Shell)


def test_every_template_has_its_context():
    assert {path.name for path in FOLDER.glob("*.html")} == {
        *PAGES,
        "base.html",
        "_parts.html",
        "_views.html",
    }


@pytest.mark.parametrize("context", CLASSES, ids=lambda each: each.__name__)
def test_every_field_is_documented_and_nothing_else_is(context):
    text = context.__doc__.split("Attributes:")[1]
    documented = {
        name.strip()
        for line in re.findall(r"^ {8}([\w, ]+):", text, re.MULTILINE)
        for name in line.split(",")
    }
    assert documented == names(context)


def test_every_page_names_its_address():
    for context in PAGES.values():
        if context is not contexts.ErrorPage:
            assert context.__doc__.startswith("``/"), context


def test_templates_are_complete_without_script():
    for path in Path(FOLDER).glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for form in re.findall(r"<form[^>]*>", text):
            assert "action=" in form, path.name
        rest = text.replace(
            'hx-post="/worklist/search"', ""
        )  # it writes nothing, and hides what is looked for
        assert "hx-post" not in rest, "what writes is a plain form"
