"""Every page and form × every role × the states of a use, of a suggestion and of the care relation.

The routes are found in the application itself, the expectation in the one matrix. Every cell is asked for: who
is let in must get an answer, and nobody else; what is refused changes nothing, and shows no patient.
"""

from collections import Counter

import pytest
from argon2 import PasswordHasher
from cells import MARK, RELATIONS, USE, World, login, world
from expected import EXPECTED, STATES, UNDECLARED, Cell, anything
from starlette.routing import Mount, Route

from vesalius.console import reports, usecases
from vesalius.evaluation import reporting
from vesalius.governance import Right, access, people, roles, uses
from vesalius.governance.access import Relation
from vesalius.governance.lifecycle import State
from vesalius.governance.roles import Role
from vesalius.review import withdraw
from vesalius.store import writing

STRANGERS = ("", "pending")
"""Nobody, and somebody who has not shown the second factor."""

IN, OUT, CANNOT = "let in", "refused", "impossible now"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        people._nobody.cache_clear()
        patch.setattr(people, "_hasher", lambda: PasswordHasher(1, 8, 1))
        _once(patch, usecases, "report")  # the same run in every cell: laid out once
        _once(patch, reports, "_document")
        _once(patch, reporting, "render")
        with world(tmp_path_factory.mktemp("cells")) as hospital:
            _each_state(hospital)
            yield hospital


def _once(patch, module, name: str) -> None:
    whole, kept = getattr(module, name), []

    def once(*given, **named):
        if not kept:
            kept.append(whole(*given, **named))
        return kept[0]

    patch.setattr(module, name, once)


def _each_state(made: World) -> None:
    """A copy of the hospital with its use in each state; what it had suggested is withdrawn where it is silent."""
    engine, director = made.hospital.engine, people.get(made.hospital.engine, "marchal")
    for state in STATES:
        made.restore(str(state) if str(state) in made.copies else "live")
        if state == State.SILENT:
            made.restore("live")
            uses.silence(engine, USE, reason="A test")
        elif state == State.SUSPENDED:
            uses.suspend(engine, USE, director, reason="A test")
        elif state == State.RETIRED:
            uses.retire(engine, USE, director, reason="A test")
        elif state != State.LIVE:
            with writing(engine) as connection:
                withdraw(connection, USE, made.now)
        assert uses.current(engine, USE).state == state
        made.keep(str(state))
    made.restore("silent")
    made.places["plan"] = made.caller("biologist").ask("GET", f"/usecases/{USE}/trial").text
    made.restore("live")


def found(made: World) -> list[str]:
    """Every method and address that the application answers."""
    names = []
    for route in made.console.routes:
        if isinstance(route, Mount):
            names.append(f"GET {route.path}/vesalius.css")
        else:
            assert isinstance(route, Route), f"{route}: {UNDECLARED}"
            path = route.path.replace(":number}", ":int}")
            names += [f"{method} {path}" for method in sorted(route.methods - {"HEAD"})]
    return names


def test_every_route_of_the_application_has_an_expectation_and_no_other(made):
    assert sorted(found(made)) == sorted({each.partition("#")[0] for each in EXPECTED}), UNDECLARED


def address(made: World, name: str, cell: Cell) -> tuple[str, str]:
    method, _, path = name.partition("#")[0].partition(" ")
    for key, value in cell.at.items():
        value = str(made.places[value.strip("{}")]) if value.startswith("{") else value
        path = path.replace(f"{{{key}}}", value).replace(f"{{{key}:int}}", value)
    assert "{" not in path, name
    query = cell.query.replace("{of}", str(made.places["of"]))
    return method, path + (f"?{query}" if query else "")


def wanted(made: World, cell: Cell, role: str, state: str, relation: Relation) -> str:
    """What the matrix says of a cell."""
    if role in STRANGERS:
        return OUT
    asked = relation if cell.patient and cell.right != Right.BREAK_GLASS else Relation.NOT_ASKED
    if cell.right == Right.EXPLAIN and role in {"dpo", "records"}:
        asked = Relation.NOT_ASKED  # they are not there to treat: the patient asked them
    if not access.may(role, cell.right, "", asked):
        return OUT
    if not access.may(role, cell.right, state, asked) or not cell.also(made, role):
        return CANNOT
    return IN


def ask(made: World, name: str, cell: Cell, role: str, relation: Relation, state: str):
    """Asks for one cell; what it wrote, if it was let in, is taken back."""
    caller, account = made.caller(role, relation), login(role, relation)
    prepared = cell.ready is not anything and role not in STRANGERS
    if prepared:
        cell.ready(made, account)
    before = made.written() if prepared else made.held[state]
    method, path = address(made, name, cell)
    form = cell.form(made, account) if callable(cell.form) else cell.form
    answer = caller.ask(method, path, form)
    if cell.settles:
        made.console.state.behind.do(lambda: None, patience=30)
    if prepared:
        assert answer.status < 400 or made.written() == before, f"{name} as {account} wrote, and was refused"
    if prepared or (method == "POST" and answer.status < 400):
        made.restore(state)
    return answer


def judge(cell: Cell, expected: str, answer, role: str) -> str:
    """What is wrong with an answer, or nothing."""
    let_in = 200 <= answer.status < 400 and not answer.headers.get("location", "").startswith("/sign-in")
    if answer.status >= 500 or let_in != (expected == IN):
        return f"{expected}, and the answer is {answer.status}"
    if (
        expected == OUT
        and role in STRANGERS
        and not answer.headers.get("location", "").startswith("/sign-in")
    ):
        return f"a stranger is answered {answer.status}"
    if expected == OUT and role not in STRANGERS and answer.status != 403:
        return f"refused with {answer.status}"
    return "shows a patient" if MARK in answer.text and expected != IN else ""


def every_role():
    return [*STRANGERS, *Role]


def run(made: World, cells, state: str, relations=(Relation.UNIT,), needed=None):
    """Asks for every cell: first for those that are refused, which must leave the hospital as it was."""
    wrong, count = [], Counter()
    who = [(role, each) for role in every_role() for each in relations if (role, each) in made.callers]
    for name, cell in cells:
        writes = name.startswith("POST")
        expected = {each: (needed or wanted)(made, cell, each[0], state, each[1]) for each in who}
        for role, relation in sorted(who, key=lambda each: expected[each] == IN):
            said = expected[role, relation]
            if writes and said == IN and count[IN, name] == 0 and made.written() != made.held[state]:
                wrong.append(f"{name}, use {state}: something was written for one who was refused")
                made.restore(state)
            count[said, name] += 1
            problem = judge(cell, said, ask(made, name, cell, role, relation, state), role)
            if problem:
                wrong.append(f"{name} as {role or 'nobody'}, {relation}, use {state}: {problem}")
        if writes and made.written() != made.held[state]:
            made.restore(state)
            if not count[IN, name]:
                wrong.append(f"{name}, use {state}: something was written for one who was refused")
    sums = {each: sum(n for (said, _), n in count.items() if said == each) for each in (IN, OUT, CANNOT)}
    return wrong, sums


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_about_no_use_and_no_patient(made, method):
    cells = [
        each
        for each in EXPECTED.items()
        if each[0].startswith(method) and each[1].right and not each[1].states and not each[1].patient
    ]
    wrong, count = run(made, cells, "live")
    assert not wrong, "\n".join(wrong)
    assert sum(count.values()) == len(cells) * (len(Role) + 2)
    assert min(count[IN], count[OUT]) > 50


@pytest.mark.parametrize("state", STATES)
def test_what_is_about_a_use_in_each_of_its_states(made, state):
    made.restore(str(state))
    cells = [each for each in EXPECTED.items() if each[1].states]
    wrong, count = run(made, cells, str(state))
    made.restore("live")
    assert not wrong, "\n".join(wrong)
    assert sum(count.values()) == len(cells) * (len(Role) + 2)


@pytest.mark.parametrize("kind", ["open", "decided", "withdrawn", "silent"])
def test_what_is_about_a_patient_in_each_care_relation(made, kind):
    state = "suspended" if kind == "withdrawn" else "live"
    made.restore(state)
    kept, made.places["open"] = made.places["open"], made.places["open" if kind == "withdrawn" else kind]

    def needed(made, cell, role, state, relation):
        said = wanted(made, cell, role, state, relation)
        if said != IN:
            return said
        if cell.right == Right.BREAK_GLASS:  # only what is shut can be broken
            return IN if relation == Relation.NONE else CANNOT
        if kind == "silent" and cell.right != Right.EXPLAIN and cell.at.get("id") == "{open}":
            return OUT  # in silence: nobody who treats may be swayed by it; its sheet says that no tool took part
        if cell.right == Right.DECIDE and kind != "open":
            return CANNOT
        return IN

    cells = [each for each in EXPECTED.items() if each[1].patient]
    wrong, count = run(made, cells, state, RELATIONS, needed)
    made.places["open"] = kept
    made.restore("live")
    assert not wrong, "\n".join(wrong)
    assert count[OUT] > 60


def test_what_anybody_may_ask_shows_no_patient_and_writes_nothing_of_a_use(made):
    for name, cell in EXPECTED.items():
        if cell.right is not None:
            continue
        for role in every_role():
            answer = ask(made, name, cell, role, Relation.UNIT, "live")
            made.restore("live")
            assert answer.status < 500, (name, role)
            assert MARK not in answer.text, (name, role)


def test_a_page_of_patients_shows_those_in_care_alone(made):
    for role in Role:
        for relation in RELATIONS:
            if (role, relation) not in made.callers:
                continue
            caller = made.caller(role, relation)
            found = caller.ask("POST", "/worklist/search", {"text": "Dubois"})
            page = caller.ask("GET", found.headers.get("location", "/")).text
            sees = access.may(role, Right.SEE_WORKLIST, "live", relation)
            assert (MARK in page) == sees, (role, relation)


def test_the_matrix_gives_every_right_to_somebody_and_no_role_every_right():
    for right in Right:
        assert any(roles.may(role, right) for role in Role), right
    for role in Role:
        assert not all(roles.may(role, right) for right in Right), role
