"""The courses: ours and a hospital's own, their questions, and what a learning platform takes."""

import io
import re
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius import academy
from vesalius.academy import courses, texts
from vesalius.academy.scorm import ADLCP, IMSCP
from vesalius.card import LANGUAGES
from vesalius.errors import Conflict, InvalidCard, NotFound
from vesalius.governance import audit, literacy, people, uses
from vesalius.hospital import Hospital

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMES = ["bedside", "oversight", "use-early-warning", "use-readmission", "use-urine"]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital.open(tmp_path_factory.mktemp("academy"))
    people.add(made.engine, "anna", name="Anna", role="doctor", language="en")
    people.add(made.engine, "eng", name="Eng", role="engineer", language="en")
    yield made
    made.close()


def answers(draw, right):
    """Answers of which the first ``right`` are right."""
    return {
        asked.question.key: str([each.right == (place < right) for each in asked.answers].index(True))
        for place, asked in enumerate(draw.asked)
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_course_is_whole_in_every_language(hospital, name, language):
    made = academy.course(hospital, name, language)
    english = academy.course(hospital, name, "en")
    assert [each.key for each in made.pages] == [each.key for each in english.pages]
    assert [each.key for each in made.questions] == [each.key for each in english.questions]
    assert len(made.questions) >= made.head.asked
    assert len({each.key for each in made.questions}) == len(made.questions)
    for asked in made.questions:
        assert [each.right for each in asked.answers].count(True) == 1
        assert asked.why
    assert not re.search(r"\{\w+\}", str(made)), "a value that was not filled in"
    for page in made.pages:
        if page.picture:
            ElementTree.fromstring(page.picture)
            assert page.caption
            assert "style=" not in page.picture


def test_every_role_has_a_written_course_and_one_without_is_told(hospital, monkeypatch):
    assert academy.uncovered(hospital) == []
    monkeypatch.setattr(courses, "LIBRARY", courses.LIBRARY / "nowhere")
    assert "nurse" in academy.uncovered(hospital)


def test_without_a_validation_the_course_says_so_and_shows_no_figure(hospital):
    made = academy.course(hospital, "use-urine", "en")
    assert made.run == ""
    assert "thousand" not in [each.key for each in made.pages]
    assert "No validation" in str(made)


def test_the_course_of_a_use_follows_its_thresholds(tmp_path):
    hospital = Hospital.open(tmp_path)
    before = academy.course(hospital, "use-urine", "en")
    person = people.add(hospital.engine, "bio", name="B", role="biologist", language="en")
    setting = next(each for each in uses.find("urine").card.settings if not each.unit)
    uses.set_use_settings(hospital.engine, "urine", {setting.name: setting.maximum}, person, reason="fewer")
    after = academy.course(hospital, "use-urine", "en")
    assert before.digest != after.digest
    assert f"{round(100 * setting.maximum)}" in str(after)
    hospital.close()


@given(st.text(max_size=8), st.integers(0, 50))
def test_a_draw_is_a_function_of_the_person_and_the_attempt(person, number):
    questions = tuple(
        academy.Question(
            f"q{place}", "?", (academy.Answer("right", "r"), academy.Answer("wrong1", "w")), "why"
        )
        for place in range(9)
    )
    made = academy.Course(academy.Head("c", "1", ()), "en", "t", "l", (), questions)
    first = academy.draw(made, person, number)
    assert first == academy.draw(made, person, number)
    assert first.code != academy.draw(made, person, number + 1).code
    assert len({each.question.key for each in first.asked}) == made.head.asked
    assert all(sorted(a.key for a in each.answers) == ["right", "wrong1"] for each in first.asked)


def test_attempts_ask_other_questions_and_the_right_answer_has_no_fixed_place(hospital):
    made = academy.course(hospital, "use-urine", "en")
    draws = [academy.draw(made, "anna", number) for number in range(8)]
    assert len({frozenset(each.question.key for each in draw.asked) for draw in draws}) > 1
    places = {[a.right for a in each.answers].index(True) for draw in draws for each in draw.asked}
    assert places == {0, 1, 2}


def test_a_failed_and_a_passed_attempt_are_kept_and_only_the_pass_counts(hospital):
    anna, name = people.get(hospital.engine, "anna"), "use-urine"
    for right, passes in ((4, False), (5, True)):
        made, draw = academy.current(hospital, anna, name, "fr")
        result = academy.take(
            hospital, anna, name, "fr", code=draw.code, answers=answers(draw, right), at=NOON
        )
        assert (result.taken.right, result.taken.passed) == (right, passes)
        assert result.taken.course_hash == made.digest
        with pytest.raises(Conflict):  # the same page sent again
            academy.take(hospital, anna, name, "fr", code=draw.code, answers=answers(draw, 6), at=NOON)
        ready = academy.readiness(hospital.engine, "urine", NOON + timedelta(days=1))
        assert ("anna" in ready.trained) is passes
    assert result.taken.valid_until == NOON.replace(year=2027)
    assert len(audit.events(hospital.engine, action="course.passed")) == 1
    uses.set_model(hospital.engine, "urine", "d" * 64, people.get(hospital.engine, "eng"), reason="new")
    assert academy.readiness(hospital.engine, "urine", NOON + timedelta(days=1)).trained == ()
    found = literacy.taken(hospital.engine, person="anna")
    assert academy.valid(hospital, academy.head(hospital, name), found, NOON) is None


@pytest.mark.parametrize(
    "given", [{}, {"decides": "99"}, {"decides": "-1"}, {"decides": "x"}, {"other": "0"}]
)
def test_an_answer_that_is_none_is_wrong_and_breaks_nothing(hospital, given):
    anna = people.get(hospital.engine, "anna")
    _, draw = academy.current(hospital, anna, "bedside", "en")
    result = academy.take(hospital, anna, "bedside", "en", code=draw.code, answers=given, at=NOON)
    assert (result.taken.right, result.taken.passed) == (0, False)


def own(home, name="holter"):
    folder = home / "courses" / name
    shutil.copytree(courses.LIBRARY / "bedside", folder)
    return folder


def test_a_hospital_adds_a_course_and_puts_its_own_in_the_place_of_ours(tmp_path):
    hospital = Hospital.open(tmp_path)
    own(tmp_path)
    ours = own(tmp_path, "bedside")
    text = (ours / "texts" / "en.toml").read_text()
    (ours / "texts" / "en.toml").write_text(text.replace("Working beside", "Here we work beside"))
    assert "holter" in academy.names(hospital)
    assert academy.course(hospital, "bedside", "en").title.startswith("Here we work beside")
    with pytest.raises(NotFound):
        academy.course(hospital, "nothing", "en")
    hospital.close()


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("course.toml", 'version = "1.0"', "", "version"),
        ("course.toml", "asked = 5", "asked = 99", "asked"),
        ("course.toml", '"thirty"', '"photograph"', "photograph"),
        ("course.toml", "months", "moons", "moons"),
        ("texts/nl.toml", "lead =", "led =", "nl:lead"),
        ("texts/en.toml", "[question.wide]", "[question.slim]", "question"),
        ("texts/en.toml", "30% means", "{30} means", "text"),
        ("texts/de.toml", "title =", "title", "de.toml"),
    ],
)
def test_a_course_that_is_not_whole_is_refused_and_what_is_wrong_is_named(tmp_path, file, old, new, told):
    folder = own(tmp_path)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidCard, match=re.escape(told)):
        academy.check(folder)


@pytest.mark.parametrize("name", ["Holter", "use-holter", "a b"])
def test_a_name_that_no_course_can_have_is_refused(tmp_path, name):
    with pytest.raises(InvalidCard, match="no name of a course"):
        academy.check(own(tmp_path, name))


def test_the_moodle_file_reads_back_as_the_pool(hospital):
    made = academy.course(hospital, "use-urine", "fr")
    root = ElementTree.fromstring(academy.quiz_xml(made))
    found = [each for each in root if each.get("type") == "multichoice"]
    assert root.tag == "quiz"
    assert len(found) == len(made.questions)
    for node, asked in zip(found, made.questions, strict=True):
        assert [each.get("fraction") for each in node.findall("answer")].count("100") == 1
        right = next(each for each in node.findall("answer") if each.get("fraction") == "100")
        assert (right.findtext("text") or "").startswith("<p>")
        assert node.findtext("name/text") == f"use-urine: {asked.key}"
        assert node.findtext("single") == "true"


def test_the_scorm_package_has_what_its_manifest_names_and_nothing_else(hospital):
    made = academy.course(hospital, "bedside", "de")
    content = academy.package(made)
    assert content == academy.package(made)
    archive = zipfile.ZipFile(io.BytesIO(content))
    root = ElementTree.fromstring(archive.read("imsmanifest.xml"))
    spaces = {"i": IMSCP, "a": ADLCP}
    files = {each.get("href") for each in root.findall(".//i:file", spaces)}
    assert {"imsmanifest.xml", *files} == set(archive.namelist())
    assert root.findtext("i:metadata/i:schemaversion", namespaces=spaces) == "1.2"
    item = root.find(".//i:item", spaces)
    resource = root.find(".//i:resource", spaces)
    assert item.get("identifierref") == resource.get("identifier")
    assert resource.get(f"{{{ADLCP}}}scormtype") == "sco"
    assert item.findtext("a:masteryscore", namespaces=spaces) == "80"
    assert archive.read("index.html").decode().count("<fieldset>") == len(made.questions)


def test_texts_name_the_values_they_say():
    assert texts.fields("{a} and {b}") == {"a", "b"}
    with pytest.raises(InvalidCard, match="brace"):
        texts.fields("{a")
