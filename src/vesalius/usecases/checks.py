"""The checks that every use case must pass, a hospital's own too: ``vesalius check NAME``.

They need nothing from the use case but its class and its ``examples/``. Each says in its words what is wrong
and what to do about it.
"""

from __future__ import annotations

import io
import logging
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from vesalius import fhir
from vesalius.card import LANGUAGES, Text
from vesalius.errors import VesaliusError
from vesalius.lake import Lake
from vesalius.usecase import Candidate, Evidence, Suggestion, UseCase, encode, find
from vesalius.usecases import _worlds as worlds
from vesalius.usecases._replay import elsewhere
from vesalius.usecases._worlds import BEGINNING, Example

_SHOWN = 3
"""How many problems of one check are said."""

_TOLERANCE = 1e-3
"""Log odds by which contributions may differ from the probability, which is stored with few decimals."""


@dataclass(frozen=True)
class Check:
    """One check: its name, whether it passed, and what to do if it did not."""

    name: str
    passed: bool
    words: str = ""


@dataclass(frozen=True)
class Answer:
    """What a use case says of one lake."""

    usecase: UseCase
    lake: Lake
    candidates: list[Candidate]
    evidence: Evidence
    suggestions: list[Suggestion]


@dataclass(frozen=True)
class Bench:
    """What the checks work on: the use case, its examples, and a lake that holds all of them."""

    kind: type[UseCase]
    examples: list[Example]
    stack: ExitStack

    @property
    def until(self) -> datetime:
        """The last moment of any example."""
        return max(example.case.as_of for example in self.examples)

    @cached_property
    def patients(self) -> list[worlds.Resource]:
        """The resources of all examples, under ids of their own."""
        return [
            each
            for n, example in enumerate(self.examples)
            for each in worlds.renamed(example.resources, f"x{n}-")
        ]

    @cached_property
    def together(self) -> Answer:
        """The answer about all examples at once."""
        return self.ask(self.patients, self.until)

    def lake(self, resources: Sequence[worlds.Resource], extra: Sequence[Any] = ()) -> Lake:
        """A lake that lasts as long as the checks."""
        arriving = [*worlds.arrivals(resources), *extra]
        return self.stack.enter_context(
            worlds.lake_of(arriving, min(each.received_at for each in self.examples))
        )

    def ask(
        self, resources: Sequence[worlds.Resource], until: datetime, settings: dict[str, float] | None = None
    ) -> Answer:
        """Puts resources in a lake and asks who is due, and what is suggested."""
        return ask(self.kind(settings=settings or {}), self.lake(resources), until)


def ask(usecase: UseCase, lake: Lake, until: datetime) -> Answer:
    """Who is due up to ``until``, and what is suggested."""
    candidates = usecase.candidates(lake, BEGINNING, until)
    evidence = usecase.evidence(lake, candidates)
    return Answer(usecase, lake, candidates, evidence, usecase.suggest(evidence))


def run_checks(usecase: type[UseCase], folder: Path | None = None) -> list[Check]:
    """Runs every check on a use case.

    Args:
        usecase: the class.
        folder: its examples; ``examples`` beside its module, if not given.

    Returns:
        The checks in the order in which they ran.
    """
    folder = folder or worlds.examples_of(usecase)
    try:
        examples = worlds.load_examples(folder)
    except VesaliusError as error:
        return [Check("examples can be read", False, str(error))]
    if not examples:
        return [
            Check(
                "examples can be read",
                False,
                f"no example: make {folder.name}/NAME/ with case.toml, resources.ndjson and expected.json",
            )
        ]
    with ExitStack() as stack:
        bench = Bench(usecase, examples, stack)
        return [_run(name, check, bench) for name, check in CHECKS.items()]


def _run(name: str, check: Callable[[Bench], Iterator[str]], bench: Bench) -> Check:
    try:
        problems = list(islice(check(bench), _SHOWN))
    except (
        Exception
    ) as error:  # whatever a third party's code raises is a finding, and the other checks go on
        return Check(name, False, f"raised {type(error).__name__}: {error}"[:500])
    return Check(name, not problems, "; ".join(problems))


def texts_are_complete(bench: Bench) -> Iterator[str]:
    """Every text exists in four languages, and every text that is said can be said."""
    card = bench.kind.card
    for missing in card.missing_texts():
        yield f"no text for {missing}: add it"
    for language in LANGUAGES:
        for words in _said(bench.together.suggestions, card.limits):
            said = card.say(words, language)
            if "{" in said or not said.strip():
                yield f"{words.key} in {language} reads {said!r}: give it all its values"


def _said(suggestions: Sequence[Suggestion], limits: Sequence[str]) -> Iterator[Text]:
    yield from (Text(f"limit.{key}") for key in limits)
    for each in suggestions:
        yield each.summary
        yield from (reason.rule for reason in each.reasons if reason.rule)
        yield from (reason.advice for reason in each.reasons if reason.advice)
        yield from (Text(f"limit.{key}") for key in each.limits)


def card_is_sound(bench: Bench) -> Iterator[str]:
    """The card names what is needed, and nothing twice."""
    card = bench.kind.card
    for field in ("inputs", "options", "reviewers", "override_reasons"):
        if not getattr(card, field):
            yield f"the card has no {field}"
    keys = {"inputs": "name", "options": "code", "settings": "name", "sources": "key", "stop_rules": "name"}
    for field, key in keys.items():
        names = [getattr(item, key) for item in getattr(card, field)]
        if twice := {name for name in names if names.count(name) > 1}:
            yield f"{field}: {', '.join(sorted(twice))} twice"
    if not set(card.limits) >= {key for each in bench.together.suggestions for key in each.limits}:
        yield "a suggestion has a limit that the card does not name"
    sources = {source.key for source in card.sources}
    for item in card.inputs:
        if item.strong and item.strong not in sources:
            yield f"the input {item.name} is strong by {item.strong}, which is no source of the card"
    card.fill({})


def examples_come_out(bench: Bench) -> Iterator[str]:
    """Each example gives the suggestions it expects."""
    for example in bench.examples:
        answer = bench.ask(example.resources, example.case.as_of, example.case.settings)
        if len(answer.suggestions) != len(example.expected):
            yield f"{example.name}: {len(answer.suggestions)} suggestions, {len(example.expected)} expected"
            continue
        for made, expected in zip(answer.suggestions, example.expected, strict=True):
            yield from (f"{example.name}: {words}" for words in _differences(as_json(made), expected))


def _differences(made: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if made.get(name) != value:
            yield f"{name} is {made.get(name)!r:.80}, not {value!r:.80} (if it is right, run with --write)"


def as_json(suggestion: Suggestion) -> dict[str, Any]:
    """A suggestion as a JSON object that holds every field, empty ones too."""
    fields = {name: getattr(suggestion, name) for name in suggestion.__struct_fields__}
    decoded: dict[str, Any] = msgspec.json.decode(encode(fields))
    return decoded


def suggestions_fit_the_contract(bench: Bench) -> Iterator[str]:
    """One suggestion per candidate, in order, made of what the card declares."""
    answer = bench.together
    if len(answer.evidence) != len(answer.candidates) or len(answer.suggestions) != len(answer.candidates):
        yield "evidence and suggest must give one row and one suggestion per candidate, in the same order"
        return
    for candidate, made in zip(answer.candidates, answer.suggestions, strict=True):
        yield from _misfits(answer.usecase, candidate, made)


def _misfits(usecase: UseCase, candidate: Candidate, made: Suggestion) -> Iterator[str]:
    card = usecase.card
    told = (made.usecase, made.version, made.settings, made.model)
    if told != (card.name, card.version, usecase.settings_hash, usecase.model.hash if usecase.model else ""):
        yield "usecase, version, settings and model must be those in force: replay depends on them"
    if (made.subject, made.focus, made.as_of) != (candidate.subject, candidate.focus, candidate.as_of):
        yield "subject, focus and as_of must be the candidate's"
    if made.option not in {option.code for option in card.options}:
        yield f"the option {made.option!r} is not on the card"
    if unknown := {change.input for change in made.changes} - {item.name for item in card.inputs}:
        yield f"changes name {', '.join(sorted(unknown))}, which the card does not declare as inputs"
    if not 0 <= made.priority <= 1:
        yield f"priority {made.priority} is not between 0 and 1"
    if (
        made.probability is not None
        and made.interval
        and not made.interval[0] <= made.probability <= made.interval[1]
    ):
        yield "the interval does not hold the probability"
    if not made.reasons:
        yield "a suggestion without reasons: give the facts it rests on"


def resources_are_proposals(bench: Bench) -> Iterator[str]:
    """What is proposed for the record is valid FHIR, and a proposal: a suggestion is never an act."""
    for made in bench.together.suggestions:
        for resource in made.resources:
            fhir.check(resource)
            if resource.get("intent", "proposal") not in ("proposal", "plan"):
                yield f"{resource['resourceType']}.intent is {resource['intent']!r}: propose, do not order"


def rules_cite_their_source(bench: Bench) -> Iterator[str]:
    """A rule is never presented without its source."""
    known = {f"source.{source.key}" for source in bench.kind.card.sources}
    for made in bench.together.suggestions:
        for reason in made.reasons:
            if reason.rule and reason.rule.values.get("source") not in known:
                yield f"the rule {reason.input} cites no source of the card: give its text a source"


def contributions_sum(bench: Bench) -> Iterator[str]:
    """Where there is a model, base and contributions sum to the log odds of the probability."""
    for made in bench.together.suggestions:
        if made.model and made.probability is not None and 0 < made.probability < 1:
            total = made.base + math.fsum(reason.contribution for reason in made.reasons)
            logit = math.log(made.probability / (1 - made.probability))
            if abs(total - logit) > _TOLERANCE:
                yield f"base and contributions sum to {total:.4f}, not {logit:.4f}: leave no input out"


def sources_exist(bench: Bench) -> Iterator[str]:
    """Every source of every fact is in the lake, and was known at the moment."""
    answer = bench.together
    for number, made in enumerate(answer.suggestions):
        given = [source for sources in answer.evidence.sources[number].values() for source in sources]
        for source in dict.fromkeys([*given, *(each for reason in made.reasons for each in reason.sources)]):
            version = answer.lake.read(source) if "/_history/" in source else None
            if version is None:
                yield f"the source {source} is not a version in the lake: give Type/ID/_history/N"
            elif version.recorded_at > made.as_of:
                yield f"the source {source} was not known at the moment"


def one_is_many(bench: Bench) -> Iterator[str]:
    """One candidate alone gets what it gets among many."""
    answer = bench.together
    for candidate, made in zip(answer.candidates, answer.suggestions, strict=True):
        alone = answer.usecase.suggest(answer.usecase.evidence(answer.lake, [candidate]))
        if [encode(each) for each in alone] != [encode(made)]:
            yield f"{made.focus}: another suggestion alone than among others: use its own facts only"


def order_does_not_matter(bench: Bench) -> Iterator[str]:
    """The order of candidates, and the order in which resources arrived, change nothing."""
    answer = bench.together
    turned = answer.usecase.suggest(answer.usecase.evidence(answer.lake, answer.candidates[::-1]))
    if list(map(encode, turned[::-1])) != list(map(encode, answer.suggestions)):
        yield "other suggestions when the candidates come in another order"
    arrived = bench.ask(_turned(bench.patients), bench.until)
    if sorted(map(encode, arrived.suggestions)) != sorted(map(encode, answer.suggestions)):
        yield "other suggestions when resources arrive in another order: go by when they were known"


def _turned(resources: Sequence[worlds.Resource]) -> list[worlds.Resource]:
    """The other way round, but the versions of one resource in their order."""
    names = [(resource["resourceType"], resource["id"]) for resource in resources]
    order = sorted(range(len(names)), key=lambda row: (-names.index(names[row]), row))
    return [resources[row] for row in order]


def replay_is_exact(bench: Bench) -> Iterator[str]:
    """A new process, on the lake as it was then, makes the same bytes."""
    answer = bench.together
    stored = [encode(made) for made in answer.suggestions]
    again = elsewhere(bench.kind, answer.lake, answer.evidence.position, answer.candidates)
    for made, before, after in zip(answer.suggestions, stored, again, strict=True):
        if before != after:
            yield f"{made.focus}: other bytes after a restart: no clock, no chance, no order of a set"


def later_facts_change_nothing(bench: Bench) -> Iterator[str]:
    """What is recorded after the moment is not seen: corrections, new results, late arrivals."""
    before = bench.together
    extra = worlds.later(bench.patients, bench.until + timedelta(hours=1))
    usecase, lake = bench.kind(), bench.lake(bench.patients, extra)
    if usecase.candidates(lake, BEGINNING, bench.until) != before.candidates:
        yield "candidates sees what was recorded after its until"
    after = usecase.suggest(usecase.evidence(lake, before.candidates))
    for old, new in zip(before.suggestions, after, strict=True):
        if encode(msgspec.structs.replace(new, position=old.position)) != encode(old):
            yield f"{old.focus}: another suggestion after later data: read only what was recorded by as_of"


def missing_is_declared(bench: Bench) -> Iterator[str]:
    """Whatever is left out, the use case answers, and says which inputs it did not know."""
    variants = [variant for n, example in enumerate(bench.examples) for variant in _without_one(example, n)]
    answer = bench.ask([each for variant in variants for each in variant], bench.until)
    names = {item.name for item in bench.kind.card.inputs}
    if not names <= set(answer.evidence.table.column_names):
        absent = sorted(names - set(answer.evidence.table.column_names))
        yield f"evidence lacks the columns {', '.join(absent)}"
        return
    rows = answer.evidence.table.select(sorted(names)).to_pylist()
    for row, made in zip(rows, answer.suggestions, strict=True):
        unknown = {name for name, value in row.items() if value is None}
        if unknown != set(made.missing):
            wrong = ", ".join(sorted(unknown ^ set(made.missing)))
            yield f"missing must name the inputs that are null, and no other: {wrong}"


def _without_one(example: Example, number: int) -> Iterator[list[worlds.Resource]]:
    for left_out in range(len(example.resources)):
        kept = [each for row, each in enumerate(example.resources) if row != left_out]
        yield worlds.renamed(kept, f"v{number}-{left_out}-")


def logs_hold_no_patient(bench: Bench) -> Iterator[str]:
    """Nothing that names a patient is logged, printed or warned."""
    words = worlds.private_words(bench.patients)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(written), redirect_stderr(written):
            answer = bench.ask(bench.patients, bench.until)
            answer.usecase.outcome(answer.lake, answer.candidates, bench.until)
            answer.usecase.practice(answer.lake, answer.candidates, bench.until)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    if found := [word for word in words if word in written.getvalue()]:
        yield f"{len(found)} names, dates or ids of example patients were logged or printed: log counts"


def outcomes_fit(bench: Bench) -> Iterator[str]:
    """One outcome (or None) and one answer about practice per candidate; none before it was known."""
    answer = bench.together
    outcomes = answer.usecase.outcome(answer.lake, answer.candidates, bench.until)
    if len(outcomes) != len(answer.candidates):
        yield "outcome must give one answer per candidate, None where it is not known yet"
    if len(answer.usecase.practice(answer.lake, answer.candidates, bench.until)) != len(answer.candidates):
        yield "practice must give one answer per candidate, None where the data does not say"
    for outcome in outcomes:
        if outcome and outcome.known_at > bench.until:
            yield "an outcome is given before it was known"


CHECKS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "the card is sound": card_is_sound,
    "texts in four languages": texts_are_complete,
    "examples give what they expect": examples_come_out,
    "suggestions fit the contract": suggestions_fit_the_contract,
    "proposed resources are valid proposals": resources_are_proposals,
    "rules cite their source": rules_cite_their_source,
    "contributions sum to the prediction": contributions_sum,
    "sources are in the lake": sources_exist,
    "one patient = many patients": one_is_many,
    "order does not matter": order_does_not_matter,
    "replay byte for byte after a restart": replay_is_exact,
    "blind to what was recorded later": later_facts_change_nothing,
    "missing inputs are declared": missing_is_declared,
    "no patient in the logs": logs_hold_no_patient,
    "outcomes fit the contract": outcomes_fit,
}


def write_expected(usecase: type[UseCase], folder: Path | None = None) -> None:
    """Writes what comes out of each example into its ``expected.json``."""
    for example in worlds.load_examples(folder or worlds.examples_of(usecase)):
        with worlds.lake_of(worlds.arrivals(example.resources), example.received_at) as lake:
            made = ask(usecase(settings=example.case.settings), lake, example.case.as_of).suggestions
        body = msgspec.json.format(encode([as_json(each) for each in made]), indent=1)
        (example.folder / "expected.json").write_bytes(body + b"\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m vesalius.usecases.checks NAME [--write]``: what ``vesalius check NAME`` does.

    With ``--write`` it first writes the ``expected.json`` of every example anew: look at what changed.
    """
    name, *flags = arguments if arguments is not None else sys.argv[1:]
    if flags == ["--write"]:
        write_expected(find(name))
    checks = run_checks(find(name))
    for item in checks:
        sys.stdout.write(
            f"{'ok  ' if item.passed else 'FAIL'} {item.name}{': ' + item.words if item.words else ''}\n"
        )
    return 0 if all(item.passed for item in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
