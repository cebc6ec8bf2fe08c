"""Merging two patients and taking it back: what moves, what stays, and what was known when."""

import pytest
from people import at, body, full, patient, replaced, result, send, subject

from vesalius import identity
from vesalius.errors import Conflict, InvalidDecision, NotFound


def merge(lake, source, target, when, **more):
    return identity.merge(lake, source, target, by="rita", reason="same card", at=at(when), **more)


def unmerge(lake, made, when):
    return identity.unmerge(lake, made.id, by="rita", reason="two sisters", at=at(when))


@pytest.fixture
def two(lake):
    """Patients a and b with one result each."""
    send(lake, full("a"), full("b"), when=0)
    send(lake, result("ra", "a", issued=1), result("rb", "b", issued=1), when=1)
    return lake


def test_a_merge_moves_what_is_about_the_one_to_the_other_from_its_moment_on(two):
    assert identity.preview(two, "a", "b").moves == {"Observation": 1}
    made = merge(two, "a", "b", 5)
    assert made.active
    assert subject(two, "Observation/ra") == "Patient/b"
    assert subject(two, "Observation/ra", 4.9) == "Patient/a"
    assert {each.id for each in two.patient("Patient/b", at(6))} == {"b", "ra", "rb"}
    assert {each.id for each in two.patient("Patient/a", at(4))} == {"a", "ra"}
    assert identity.moves(two.engine, [made.id]) == {made.id: 1}


def test_the_two_patients_get_the_links_of_fhir(two):
    merge(two, "a", "b", 5)
    old, survivor = body(two, "Patient/a"), body(two, "Patient/b")
    assert old["active"] is False
    assert old["link"] == [{"other": {"reference": "Patient/b"}, "type": "replaced-by"}]
    assert old["name"], "who the patient was stays"
    assert survivor["link"] == [{"other": {"reference": "Patient/a"}, "type": "replaces"}]
    assert "active" not in survivor


def test_taken_back_everything_is_as_it_was_sent_byte_for_byte(two):
    before = {name: two.read(name).body for name in ("Patient/a", "Patient/b", "Observation/ra")}
    made = merge(two, "a", "b", 5)
    undone = unmerge(two, made, 8)
    assert not undone.active
    assert {name: two.read(name).body for name in before} == before
    assert subject(two, "Observation/ra", 7) == "Patient/b", "between the two it was known as one person"
    assert subject(two, "Observation/ra", 4) == "Patient/a"


def test_what_arrives_about_the_old_patient_follows_and_goes_back(two):
    made = merge(two, "a", "b", 5)
    send(two, result("late", "a", issued=6), result("theirs", "b", issued=6), when=6)
    assert subject(two, "Observation/late", 6) == "Patient/b", "from the moment it was issued"
    unmerge(two, made, 8)
    assert subject(two, "Observation/late") == "Patient/a"
    assert subject(two, "Observation/theirs") == "Patient/b", "it was sent about the survivor"


def test_a_result_issued_before_the_merge_and_received_after_was_known_of_the_old_patient(two):
    merge(two, "a", "b", 5)
    send(two, result("late", "a", issued=3), when=9)
    assert subject(two, "Observation/late", 4) == "Patient/a"
    assert subject(two, "Observation/late", 5) == "Patient/b"


def test_a_correction_older_than_the_merge_is_not_hidden_by_the_moved_version(two):
    merge(two, "a", "b", 5)
    send(two, result("ra", "a", value=2, issued=3), when=9)
    assert body(two, "Observation/ra")["valueQuantity"] == {"value": 2}
    assert subject(two, "Observation/ra") == "Patient/b"
    send(two, result("ra", "b", value=3, issued=4), when=10)
    assert body(two, "Observation/ra")["valueQuantity"] == {"value": 3}


def test_what_is_sent_again_adds_nothing(two):
    merge(two, "a", "b", 5)
    send(two, full("a"), result("undated", "a"), when=6)
    end = two.position()
    send(two, full("a"), full("b"), result("undated", "a"), when=7)
    send(two, result("ra", "a", issued=1), result("rb", "b", issued=1), when=8)
    assert two.position() == end


def test_a_merge_into_a_merged_patient_ends_at_the_last_one_and_circles_are_refused(two):
    send(two, full("c"), when=1)
    first = merge(two, "a", "b", 5)
    second = merge(two, "b", "c", 6)
    send(two, result("late", "a", issued=7), when=7)
    assert subject(two, "Observation/ra") == subject(two, "Observation/late") == "Patient/c"
    assert identity.survivor(two.engine, "a") == "c"
    with pytest.raises(Conflict, match="circle"):
        merge(two, "c", "a", 7)
    unmerge(two, second, 8)
    assert subject(two, "Observation/late") == "Patient/b", "though it never was about b before"
    unmerge(two, first, 9)
    assert subject(two, "Observation/late") == subject(two, "Observation/ra") == "Patient/a"


def test_the_middle_of_a_chain_can_be_taken_back_first(two):
    send(two, full("c"), when=1)
    first = merge(two, "a", "b", 5)
    merge(two, "b", "c", 6)
    unmerge(two, first, 8)
    assert subject(two, "Observation/ra") == "Patient/a"
    assert subject(two, "Observation/rb") == "Patient/c"


def test_what_cannot_be_merged_is_refused_and_leaves_nothing(two):
    made, end = merge(two, "a", "b", 5), two.position()
    send(two, full("c"), when=6)
    for source, target, error, words in [
        ("a", "a", Conflict, "themselves"),
        ("a", "c", Conflict, "merged already"),
        ("c", "a", Conflict, "merge into Patient/b"),
        ("nobody", "b", NotFound, "no Patient"),
        ("b", "nobody", NotFound, "no Patient"),
    ]:
        with pytest.raises(error, match=words):
            merge(two, source, target, 7)
    with pytest.raises(InvalidDecision):
        identity.merge(two, "c", "b", by="rita", reason=" ")
    with pytest.raises(InvalidDecision):
        identity.unmerge(two, made.id, by="rita", reason="")
    with pytest.raises(NotFound):
        identity.unmerge(two, 99, by="rita", reason="?")
    unmerge(two, made, 8)
    with pytest.raises(Conflict, match="taken back already"):
        unmerge(two, made, 9)
    assert two.position() > end


def test_a_witness_that_fails_leaves_no_merge(two):
    def witness(connection, made):
        raise RuntimeError

    end = two.position()
    with pytest.raises(RuntimeError):
        merge(two, "a", "b", 5, witness=witness)
    assert two.position() == end
    assert identity.merges(two.engine) == []


def test_a_long_move_goes_on_in_batches_and_all_of_it_moves(two, monkeypatch):
    monkeypatch.setattr("vesalius.identity.merging.AT_ONCE", 3)
    monkeypatch.setattr("vesalius.identity.merging.BATCH", 2)
    send(two, *(result(f"r{n}", "a", issued=2) for n in range(11)), when=2)
    made = merge(two, "a", "b", 5)
    assert made.todo is None
    assert {each.subject for each in two.patient("Patient/b")} == {"Patient/b"}
    assert len(two.patient("Patient/b")) == 14
    unmerge(two, made, 6)
    assert len(two.patient("Patient/a")) == 13


def test_references_to_the_old_patient_elsewhere_in_a_resource_follow_but_not_to_its_versions(two):
    about = result(
        "many", "a", issued=2,
        performer=[{"reference": "Patient/a"}],
        focus=[{"reference": "Patient/a/_history/1"}],
        note=[{"text": "Patient/a"}],
    )  # fmt: skip
    send(two, about, when=2)
    merge(two, "a", "b", 5)
    now = body(two, "Observation/many")
    assert now["performer"] == [{"reference": "Patient/b"}]
    assert now["focus"] == [{"reference": "Patient/a/_history/1"}]
    assert now["note"] == [{"text": "Patient/a"}]


# What feeds say --------------------------------------------------------------------------------------------


def test_a_feed_that_says_so_merges_with_itself_as_author(two):
    send(two, replaced("a", by="b"), when=5)
    [made] = identity.merges(two.engine)
    assert (made.source, made.target, made.origin, made.by) == ("a", "b", "feed", "adt")
    assert subject(two, "Observation/ra") == "Patient/b"
    assert subject(two, "Observation/ra", 4) == "Patient/a"
    old = body(two, "Patient/a")
    assert old["name"], "the notice holds no name; the patient keeps theirs"
    assert old["active"] is False


def test_a_merge_and_what_it_moves_may_come_in_one_batch_in_any_order(lake):
    parts = [full("a"), full("b"), result("ra", "a", issued=1), replaced("a", by="b", seen=2)]
    send(lake, *parts, when=3)
    send(lake, result("r2", "a", issued=2.5), replaced("x", by="b", seen=2), result("rx", "x"), when=4)
    assert {subject(lake, f"Observation/{name}") for name in ("ra", "r2", "rx")} == {"Patient/b"}
    assert subject(lake, "Observation/ra", 1.5) == "Patient/a"


def test_the_same_feed_takes_back_what_it_said(two):
    send(two, replaced("a", by="b"), when=5)
    send(two, full("a", active=True), full("b", active=True), when=7)
    assert subject(two, "Observation/ra") == "Patient/a"
    assert subject(two, "Observation/ra", 6) == "Patient/b"
    [made] = identity.merges(two.engine)
    assert (made.undone_origin, made.undone_by) == ("feed", "adt")
    assert "link" not in body(two, "Patient/a")


@pytest.mark.parametrize(("source", "active"), [("adt", None), ("adt", False), ("laboratory", True)])
def test_an_update_under_the_old_id_stays_inactive_and_linked(two, source, active):
    send(two, replaced("a", by="b"), when=5)
    more = {} if active is None else {"active": active}
    send(two, full("a", family="Peters", **more), when=7, source=source)
    now = body(two, "Patient/a")
    assert now["name"][0]["family"] == "Peters"
    assert now["active"] is False
    assert now["link"][0]["other"] == {"reference": "Patient/b"}
    assert subject(two, "Observation/ra") == "Patient/b"


def test_no_feed_undoes_what_a_person_decided(two):
    merge(two, "a", "b", 5)
    send(two, full("a", active=True), when=7)
    assert body(two, "Patient/a")["active"] is False
    made = identity.merges(two.engine)[0]
    unmerge(two, made, 8)
    send(two, replaced("a", by="b"), when=9)
    assert subject(two, "Observation/ra") == "Patient/a"
    assert "link" not in body(two, "Patient/a")
    assert [each.active for each in identity.merges(two.engine)] == [False]


def test_a_feed_that_changes_its_mind_about_the_survivor_moves_everything_on(two):
    send(two, full("c"), replaced("a", by="b"), when=5)
    send(two, replaced("a", by="c"), when=6)
    assert subject(two, "Observation/ra") == "Patient/c"
    assert [(each.target, each.active) for each in identity.merges(two.engine)] == [("c", True), ("b", False)]


def test_a_circle_that_a_feed_says_is_not_followed(two):
    send(two, replaced("a", by="b"), when=5)
    send(two, replaced("b", by="a"), when=6)
    assert subject(two, "Observation/ra") == subject(two, "Observation/rb") == "Patient/b"
    assert "active" not in body(two, "Patient/b")
    send(two, patient("c", link=[{"other": {"reference": "Patient/c"}, "type": "replaced-by"}]), when=7)
    assert len(identity.merges(two.engine)) == 1


def test_a_survivor_that_is_not_here_yet_gets_its_link_when_it_comes(lake):
    send(lake, full("a"), result("ra", "a"), replaced("a", by="later"), when=1)
    assert subject(lake, "Observation/ra") == "Patient/later"
    send(lake, full("later"), when=2)
    assert body(lake, "Patient/later")["link"][0]["type"] == "replaces"


def test_a_link_to_a_patient_of_another_server_is_left_as_it_is(two):
    link = [{"other": {"reference": "https://else.example/fhir/Patient/b"}, "type": "replaced-by"}]
    send(two, full("a", link=link), when=5)
    assert identity.merges(two.engine) == []
    merge(two, "a", "b", 6)
    assert [each["type"] for each in body(two, "Patient/a")["link"]] == ["replaced-by", "replaced-by"]
