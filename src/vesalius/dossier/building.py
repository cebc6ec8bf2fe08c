"""Building a dossier: the audit is signed, and every line is filled from it and from the tables beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vesalius.card import LANGUAGES
from vesalius.dossier import facts, scope
from vesalius.dossier.document import Dossier, Duty, Line, Part, Sealed, Source, Words, counted
from vesalius.dossier.duties import DRAFTS, EVIDENCE
from vesalius.dossier.facts import Fact
from vesalius.dossier.verifying import KIND
from vesalius.dossier.words import PartRule, parts, same, say
from vesalius.errors import Tampered
from vesalius.governance import audit, register
from vesalius.governance.audit import Event, heads, tiles, tree
from vesalius.governance.audit.proofs import Told
from vesalius.governance.register import obligations
from vesalius.store import reading

if TYPE_CHECKING:
    from datetime import datetime

    from vesalius.hospital import Hospital


def build(hospital: Hospital, name: str, at: datetime | None = None) -> Sealed:
    """Builds and seals the dossier of a use.

    Args:
        hospital: whose.
        name: the use, made here or bought.
        at: when the audit is signed; now if not given.

    Raises:
        NotFound: there is no such use, or nothing was ever recorded.
        Tampered: the audit does not verify: no dossier is built on it.
    """
    register.system(hospital.engine, name)
    signed = heads.sign(hospital.engine, hospital.keys, at)
    audit.verify(hospital.engine, keys=hospital.keys)
    head = signed.head
    with reading(hospital.engine) as connection:
        events = scope.events(connection, name, head.size)
        tally = scope.tally(connection, head.size)
        rules = obligations.rules(connection).duties
        nodes = tiles.nodes(connection)
        sources = tuple(_source(each, tree.inclusion(nodes, each.seq - 1, head.size)) for each in events)
    known = facts.gather(hospital, name, events, head.size)
    applying = {each.duty.id: each for each in register.facts(hospital.engine, name).obligations}
    classified = "regime" in known
    duties = tuple(
        _duty(each, applying.get(each.id), known, tally, head.size, classified=classified) for each in rules
    )
    seqs = {each.seq for each in sources}
    made = Dossier(
        name=name,
        title=known["title"][0] if "title" in known else same(name),
        synthetic=hospital.settings.synthetic,
        size=head.size,
        root=head.root,
        head=signed.token,
        at=head.at,
        counts=counted(duties),
        parts=tuple(_part(each, known) for each in parts().parts),
        duties=duties,
        sources=sources,
    )
    cited = {seq for part in made.parts for line in part.lines for seq in line.events}
    if not cited <= seqs:
        raise Tampered(
            f"events {sorted(cited - seqs)} came while the dossier was built", hint="build it again"
        )
    return Sealed(made, hospital.keys.seal(made.digest.encode(), KIND))


def _source(event: Event, path: list[bytes]) -> Source:
    said = Told(
        event.seq, event.at, event.actor, event.action, event.object, dict(event.detail), event.previous
    )
    return Source(
        event.seq,
        event.hash,
        event.at,
        event.actor,
        event.action,
        tuple(each.hex() for each in path),
        said if not event.action.startswith("suggestion.") else None,
    )


def _part(rule: PartRule, known: dict[str, Fact]) -> Part:
    lines = []
    for article, wanted, owner, ask in rule.lines:
        for key in wanted.split():
            if key in known:
                text, events = known[key]
                lines.append(Line(key, article, "auto", say(f"fact_{key}"), text, {}, "", events))
        if ask:
            asked = parts().asks[ask]
            lines.append(Line(ask, article, "assisted", same(article), {}, asked, owner))
    return Part(rule.key, rule.title, rule.article, tuple(lines))


def _duty(
    duty: obligations.Duty,
    said: obligations.Obligation | None,
    known: dict[str, Fact],
    tally: dict[str, tuple[int, int]],
    size: int,
    *,
    classified: bool,
) -> Duty:
    applies = None if not classified else said is not None
    own = (said.event,) if said and said.event else ()
    ask = {} if duty.filled == "auto" else say("complete", record=duty.record)
    text, events, count = _filled(duty, known, tally, size)
    events = tuple(sorted({*own, *events}))
    article, owner = f"{duty.law} {duty.article}", said.owner if said else str(duty.owner)
    line = Line(duty.id, article, duty.filled, duty.text, text, ask, owner, events)
    return Duty(line, applies, said.state if said else "open", count)


def _filled(
    duty: obligations.Duty, known: dict[str, Fact], tally: dict[str, tuple[int, int]], size: int
) -> tuple[Words, tuple[int, ...], int]:
    """What fills a duty: its words, the events that say it, and how many bear on it."""
    if duty.filled == "auto" and duty.id in EVIDENCE:
        actions = [str(each) for each in EVIDENCE[duty.id]]
        found = {each: tally[each] for each in actions if each in tally}
        count = sum(each[0] for each in found.values())
        listed = ", ".join(f"{action} × {each[0]}" for action, each in found.items())
        text = say("logged", count=count, list=listed)
        if not count:
            text = say("none_logged", size=size, list=", ".join(actions))
        return text, tuple(each[1] for each in found.values()), count
    if duty.filled == "assisted":
        drafts = [(key, known[key]) for key in DRAFTS.get(duty.id, "").split() if key in known]
        text = {
            code: " · ".join(f"{say(f'fact_{key}')[code]}: {fact[0][code]}" for key, fact in drafts)
            for code in (LANGUAGES if drafts else ())
        }
        return text, tuple(seq for _, fact in drafts for seq in fact[1]), 0
    return {}, (), 0
