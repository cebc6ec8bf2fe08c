"""Whatever arrives, is merged and taken back, in any order: the past stays, and undoing gives back all."""

from itertools import count

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from people import at, body, full, patient, replaced, result, send, subject

from vesalius import identity
from vesalius.errors import Conflict

PATIENTS, RESULTS = "abc", ("r1", "r2")
NAMES = count()

ARRIVAL = st.tuples(
    st.just("send"),
    st.sampled_from(RESULTS),
    st.sampled_from(PATIENTS),
    st.integers(1, 3),
    st.sampled_from(["now", "late", "undated"]),
)
MERGE = st.tuples(st.just("merge"), st.sampled_from(PATIENTS), st.sampled_from(PATIENTS))
UNMERGE = st.tuples(st.just("unmerge"), st.integers(0, 20))
UPDATE = st.tuples(st.just("update"), st.sampled_from(PATIENTS), st.sampled_from(["Peters", "Dupont"]))
FEED = st.tuples(st.just("feed"), st.sampled_from(PATIENTS), st.sampled_from(PATIENTS))
STEPS = st.lists(st.one_of(ARRIVAL, ARRIVAL, MERGE, MERGE, UNMERGE, UPDATE, FEED), min_size=3, max_size=16)


class World:
    """A lake beside a model of what was sent."""

    def __init__(self, lake):
        self.lake, self.name = lake, f"w{next(NAMES)}"
        self.sent = {}  # of each result: (recorded, order) -> the patient it was sent about, and what it said
        self.hour = 1
        send(lake, *(full(self.id(each)) for each in PATIENTS), when=0)

    def id(self, name):
        return f"{self.name}-{name}"

    def mine(self):
        return [each for each in identity.merges(self.lake.engine) if each.source.startswith(f"{self.name}-")]

    def send(self, name, of, value, dated):
        issued = {"now": self.hour, "late": self.hour / 2, "undated": None}[dated]
        send(self.lake, result(self.id(name), self.id(of), value, issued=issued), when=self.hour)
        recorded = self.hour if issued is None else issued
        sent = self.sent.setdefault(name, {})
        if not sent or sent[max(sent)] != (of, value, issued):  # what says nothing new adds no version
            sent[recorded, self.hour] = of, value, issued

    def merge(self, source, target):
        try:
            identity.merge(
                self.lake, self.id(source), self.id(target), by="rita", reason="x", at=at(self.hour)
            )
        except Conflict:
            return

    def unmerge(self, number):
        active = [each for each in self.mine() if each.active]
        if active:
            chosen = active[number % len(active)]
            identity.unmerge(self.lake, chosen.id, by="rita", reason="x", at=at(self.hour))

    def update(self, name, family):
        send(self.lake, full(self.id(name), family=family), when=self.hour)

    def feed(self, source, target):
        send(self.lake, replaced(self.id(source), by=self.id(target)), when=self.hour)

    def past(self, until):
        """Whom everything was about, at every earlier hour."""
        names = [f"Observation/{self.id(each)}" for each in RESULTS]
        return {(name, h): subject(self.lake, name, h) for name in names for h in range(until)}

    def expected(self, name):
        """Whom a result is about now: whom it was last sent about, or who stands for them."""
        of, *_ = self.sent[name][max(self.sent[name])]
        return f"Patient/{identity.survivor(self.lake.engine, self.id(of))}"


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)
@given(STEPS)
@example(
    [("send", "r1", "b", 2, "undated"), ("send", "r1", "b", 2, "undated"), ("send", "r1", "a", 1, "late")]
)
def test_the_past_stays_and_undoing_every_merge_gives_back_what_was_sent(lake, steps):
    world = World(lake)
    for kind, *how in steps:
        before = world.past(world.hour)
        getattr(world, kind)(*how)
        if kind != "send":
            assert world.past(world.hour) == before
        for name in world.sent:
            assert subject(lake, f"Observation/{world.id(name)}") == world.expected(name)
        world.hour += 1
    while active := [each for each in world.mine() if each.active]:
        identity.unmerge(lake, active[0].id, by="rita", reason="x", at=at(world.hour))
        world.hour += 1
    for name, sent in world.sent.items():
        assert subject(lake, f"Observation/{world.id(name)}") == f"Patient/{world.id(sent[max(sent)][0])}"
    for each in PATIENTS:
        found = body(lake, f"Patient/{world.id(each)}")
        assert "link" not in found
        assert "active" not in found
        assert found["name"]


def test_a_patient_without_anything_but_a_notice_keeps_it(lake):
    send(lake, replaced("lonely", by="b"), when=1)
    made = identity.merges(lake.engine)[0]
    identity.unmerge(lake, made.id, by="rita", reason="x", at=at(2))
    assert body(lake, "Patient/lonely") == patient("lonely")
