"""Building a dossier: the audit is signed, and every line is filled from it and from the tables beside it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vesalius.card import LANGUAGES
from vesalius.dossier import beside, facts, history, kept, scope
from vesalius.dossier.document import Dossier, Duty, Kept, Line, Part, Sealed, Source, Words, counted
from vesalius.dossier.duties import ABOUT_USES, DRAFTS, EVIDENCE, RUNS
from vesalius.dossier.facts import Fact, World
from vesalius.dossier.scope import Counted
from vesalius.dossier.verifying import KIND
from vesalius.dossier.words import REPEATED, PartRule, count, listed, named, paired, parts, same, say
from vesalius.errors import Tampered
from vesalius.governance import audit, classifying, register
from vesalius.governance.audit import Event, heads, tiles, tree
from vesalius.governance.audit.chain import read
from vesalius.governance.audit.proofs import Told
from vesalius.governance.register import obligations
from vesalius.store import metadata, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    import sqlalchemy as sa

    from vesalius.evaluation import Run
    from vesalius.hospital import Hospital

    Steps = Callable[[int, int], None]


def build(hospital: Hospital, name: str, at: datetime | None = None, progress: Steps | None = None) -> Sealed:
    """Builds and seals the dossier of a use.

    Args:
        hospital: whose.
        name: the use, made here or bought.
        at: when the audit is signed; now if not given.
        progress: called with the steps done, and all of them.

    Raises:
        NotFound: there is no such use, or nothing was ever recorded.
        Tampered: the audit does not verify: no dossier is built on it.
    """
    register.system(hospital.engine, name)
    progress = progress or _unseen
    progress(0, STEPS)
    signed = heads.sign(hospital.engine, hospital.keys, at)
    audit.verify(hospital.engine, keys=hospital.keys)
    progress(1, STEPS)
    head, run = signed.head, _run(hospital, name)
    with reading(hospital.engine) as connection:
        events = scope.events(connection, name, head.size)
        counts = scope.tally(connection, name, head.size)
        rules, asked = obligations.rules(connection).duties, classifying.questions(connection)
        rows = kept.rows(connection, name)
    progress(2, STEPS)
    known = register.facts(hospital.engine, name)
    world = World(hospital, name, known, events, head.size, asked, run, facts.everyone(hospital))
    found = facts.gather(world)
    duties = _duties(world, rules, found, counts)
    progress(3, STEPS)
    cited = {seq for each in duties for seq in each.line.events}
    with reading(hospital.engine) as connection:
        sources = _sources(connection, events, cited, head.size)
    progress(4, STEPS)
    made = Dossier(
        name=name,
        title=found["title"][0] if "title" in found else same(name),
        synthetic=hospital.settings.synthetic,
        size=head.size,
        root=head.root,
        head=signed.token,
        at=head.at,
        hospital=hospital.settings.hospital,
        state=found["state"][0],
        regime=found.get("regime", ({}, ()))[0],
        owner=world.who(known.entry.owner) if known.entry and known.entry.owner else {},
        counts=counted(duties),
        history=history.moments(world),
        parts=tuple(_part(each, found, world) for each in parts().parts),
        duties=duties,
        sources=sources,
        kept=rows,
        run=_sealed(hospital, run),
    )
    _check(made)
    sealed = Sealed(made, hospital.keys.seal(made.digest.encode(), KIND))
    progress(STEPS, STEPS)
    return sealed


STEPS = 5
"""How many steps a build has."""


def _unseen(done: int, all_: int) -> None:
    """Nobody watches."""


def _check(made: Dossier) -> None:
    seqs = {each.seq for each in made.sources}
    cited = {seq for part in made.parts for line in part.lines for seq in line.events}
    cited |= {seq for each in made.duties for seq in each.line.events}
    if not cited <= seqs:
        raise Tampered(
            f"events {sorted(cited - seqs)} came while the dossier was built", hint="build it again"
        )


def _run(hospital: Hospital, name: str) -> Run | None:
    from vesalius.evaluation import latest

    return latest(hospital.runs, name)


def _sealed(hospital: Hospital, run: Run | None) -> Kept | None:
    if run is None:
        return None
    body = (hospital.runs / f"{run.id}.json").read_bytes()
    return Kept("run", run.id, audit.events(hospital.engine, limit=1)[0].at, hashlib.sha256(body).hexdigest())


def _sources(
    connection: sa.Connection, events: list[Event], cited: set[int], size: int
) -> tuple[Source, ...]:
    """Every event of the use, and those of the whole hospital that a line names, each with its proof."""
    import sqlalchemy as sa

    own, table = {each.seq for each in events}, metadata.tables["audit_event"]
    others = sorted(cited - own)
    asked = sa.select(table).where(table.c.seq.in_(others)).order_by(table.c.seq)
    found = [*events, *(read(connection, asked) if others else ())]
    nodes = tiles.nodes(connection)
    return tuple(
        _source(connection, each, tree.inclusion(nodes, each.seq - 1, size), own=each.seq in own)
        for each in sorted(found, key=lambda each: each.seq)
    )


def _source(connection: sa.Connection, event: Event, path: list[bytes], *, own: bool) -> Source:
    said = Told(
        event.seq, event.at, event.actor, event.action, event.object, dict(event.detail), event.previous
    )
    hidden = not own or event.action.startswith("suggestion.")
    claims = beside.claimed(connection, event) if hidden and own else ()
    return Source(
        seq=event.seq,
        hash=event.hash,
        at=event.at,
        actor=event.actor,
        action=event.action,
        path=tuple(each.hex() for each in path),
        told=None if hidden else said,
        own=own,
        rows=tuple((each.table, each.key, each.content) for each in claims),
    )


def _part(rule: PartRule, found: dict[str, Fact], world: World) -> Part:
    known = world.known.classification
    if rule.regimes and known is not None and known.regime.key not in rule.regimes:
        note = say("part_not_here", regime=known.regime.text)
        return Part(rule.key, rule.title, rule.article, (), note)
    lines = []
    for article, wanted, owner, ask in rule.lines:
        for key in wanted.split():
            if key in found:
                text, events = found[key]
                lines.append(Line(key, article, "auto", say(f"fact_{key}"), text, {}, "", events))
        if ask:
            asked = parts().asks[ask]
            lines.append(Line(ask, article, "assisted", same(article), {}, asked, owner))
    return Part(rule.key, rule.title, rule.article, tuple(lines), signed=rule.signed)


def _duties(
    world: World,
    rules: Iterable[obligations.Duty],
    found: dict[str, Fact],
    counts: tuple[Counted, Counted],
) -> tuple[Duty, ...]:
    applying = {each.duty.id: each for each in world.known.obligations}
    classified = world.known.classification is not None
    return tuple(
        _duty(world, each, applying.get(each.id), found, counts, classified=classified) for each in rules
    )


def _duty(
    world: World,
    duty: obligations.Duty,
    said: obligations.Obligation | None,
    found: dict[str, Fact],
    counts: tuple[Counted, Counted],
    *,
    classified: bool,
) -> Duty:
    applies = None if not classified else said is not None
    own = (said.event,) if said and said.event else ()
    ask = {} if duty.filled == "auto" else {code: duty.kept(code) for code in LANGUAGES}
    text, events, count_ = _filled(world, duty, found, counts)
    events = tuple(sorted({*own, *events}))
    article, owner = f"{duty.law} {duty.article}", said.owner if said else str(duty.owner)
    line = Line(duty.id, article, duty.filled, duty.text, text, ask, owner, events)
    return Duty(line, applies, said.state if said else "open", count_)


def _filled(
    world: World, duty: obligations.Duty, found: dict[str, Fact], counts: tuple[Counted, Counted]
) -> tuple[Words, tuple[int, ...], int]:
    """What fills a duty: its words, the events that say it, and how many bear on it."""
    if duty.filled == "auto" and duty.id in EVIDENCE:
        return _logged(world, duty, found, counts)
    if duty.filled == "assisted":
        drafts = [(key, found[key]) for key in DRAFTS.get(duty.id, "").split() if key in found]
        text = listed((paired(say(f"fact_{key}"), _once(key, fact[0])) for key, fact in drafts), "dot")
        return text, tuple(seq for _, fact in drafts for seq in fact[1]), 0
    return {}, (), 0


def _once(key: str, words: Words) -> Words:
    """What is long is said in its part alone; an obligation refers to it."""
    part = next((each for each in parts().parts if any(key in line[1].split() for line in each.lines)), None)
    if part is None or max(map(len, words.values())) <= REPEATED:
        return words
    return say("see", part=part.title)


def _logged(
    world: World, duty: obligations.Duty, found: dict[str, Fact], counts: tuple[Counted, Counted]
) -> tuple[Words, tuple[int, ...], int]:
    """What the log holds on a duty: on the use alone, or in the whole hospital where it is about no use."""
    own, all_ = counts
    here: dict[str, tuple[int, int]] = {}
    there: dict[str, tuple[int, int]] = {}
    for action in map(str, EVIDENCE[duty.id]):
        about = action.startswith(ABOUT_USES)
        if action in (own if about else all_):
            (here if about else there)[action] = (own if about else all_)[action]
    words = [facts.times({key: each[0] for key, each in here.items()})] if here else []
    if there:
        words.append(say("in_hospital", list=facts.times({key: each[0] for key, each in there.items()})))
    total = sum(each[0] for each in (*here.values(), *there.values()))
    if duty.id in RUNS and world.run is not None:
        words, total = [*words, found["validation"][0]], total + 1
    if not total:
        looked = listed((named("action", str(each)) for each in EVIDENCE[duty.id]), "comma")
        return say("none_logged", list=looked), (), 0
    events = tuple(each[1] for each in (*here.values(), *there.values()))
    return paired(count("logged", total), listed(words)), events, total
