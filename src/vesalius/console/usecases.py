"""The uses: what each is for, where it stands in its life, and how it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from markupsafe import Markup
from starlette.responses import Response

from vesalius import trial
from vesalius.console.contexts import (
    Cited,
    Figure,
    HeldDuty,
    OpenGate,
    Past,
    Refused,
    Signature,
    Step,
    Tally,
    TrainingMark,
    TrialMark,
    UseLine,
    UsePage,
    UsesPage,
    ValidationMark,
)
from vesalius.console.languages import N_
from vesalius.console.runs import latest_run, made_at, report
from vesalius.console.silenced import fallen, system_words, waits
from vesalius.console.suggestion import name_of
from vesalius.console.trial_words import VERDICTS
from vesalius.console.visit import ROLES, Visit, redirect, render
from vesalius.console.words import STATES, Speaker, cards, is_bought, speaker
from vesalius.errors import InvalidDecision, NotFound
from vesalius.governance import Right, audit, register, uses
from vesalius.governance._register import Change
from vesalius.governance.evidence import Evidence, Held, Trial
from vesalius.governance.gates import Signature as Signed
from vesalius.governance.lifecycle import RESUMED, Slot, State
from vesalius.governance.uses import Gate
from vesalius.review import WAITING
from vesalius.usecase import find

PATH = (State.IDEA, State.DATA_APPROVED, State.VALIDATED, State.SILENT, State.LIVE)
"""The states in the order of a life without accidents."""

KINDS = {
    "signed": N_("Signed"),
    "refused": N_("Refused"),
    "moved": N_("Changed state"),
    "model": N_("Model changed"),
    "settings": N_("Thresholds changed"),
    "rules": N_("Stop rules changed"),
}

SPEAKS = N_("speaks for what is in force")
"""What is said of a validation run that is evidence."""

ALTERED = N_("altered: what is kept does not fit the log")

ABOUT = {
    State.DATA_APPROVED: N_(
        "Who signs approves what it reads. It may then read the history, to learn and be validated."
    ),
    State.VALIDATED: N_("Who signs vouches for its validation."),
    State.SILENT: N_("It then runs beside the clinicians, and nobody who treats sees what it says."),
    State.LIVE: N_("It then speaks: what it suggests is on the worklist, and people decide on it."),
    RESUMED: N_("It then runs again, in silence."),
}
"""What each gate is for."""

LACKING = {
    "validation": N_("no validation run is kept for this use"),
    "validation_stale": N_("the validation run is of another version, model, view or threshold"),
    "validation_leaks": N_("a detector of leaks found something in the validation"),
    "validation_unlooked": N_("no detector of leaks looked at the validation"),
    "validation_altered": N_("the figures of the validation run are gone, or were altered"),
    "trial": N_("no success in the silent trial"),
    "trial_altered": N_("what is kept of the silent trial was altered, or does not follow from its figures"),
    "regime": N_("nobody has answered the questionnaire on its regime"),
    "duties": N_("a duty that holds this gate is open"),
    "training": N_("too few of those who may decide have passed the course"),
}
"""What the evidence of a gate may lack."""

AGAINST = N_("without a success in the silent trial")

SIGNED = N_("Signed. Still missing: %(roles)s.")
MOVED = N_("Signed. It goes on to: %(state)s.")
RENEWED = N_("Signed.")
REFUSED = N_(
    "Refused. The signatures of this gate are void, and are given anew once what you refused is mended."
)
STOPPED = N_("Stopped. Nothing is suggested any more.")


def index(visit: Visit) -> Response:
    """Every use that is installed."""
    todo = waits(visit, register.systems(visit.hospital.engine, visit.now))
    return render(visit, "usecases.html", UsesPage(tuple(_line(visit, name) for name in cards()), todo))


def show(visit: Visit) -> Response:
    """The evidence page of one use."""
    name = visit.path("name")
    said = speaker(name, visit.language)
    return render(visit, "usecase.html", _page(visit, name, said))


def sign(visit: Visit) -> Response:
    """Signs, refuses or stops; always with a reason."""
    name, act = visit.path("name"), visit.form.get("act", "")
    back = "/register" if visit.request.url.path.startswith("/register/") else "/usecases"
    reason, engine = visit.form.get("reason", "").strip()[:2000], visit.hospital.engine
    if act in ("sign", "refuse"):
        visit.require(Right.SIGN_GATES)
    if act == "sign":
        before = uses.current(engine, name, visit.now).state
        use = uses.sign(
            engine,
            name,
            visit.who,
            reason=reason,
            on=visit.form.get("run"),
            trial=visit.form.get("trial"),
            despite=visit.form.get("despite", "").strip()[:2000],
            at=visit.now,
            seen=_seen(visit),
        )
        visit.notice(_signed(visit, use, before))
    elif act == "refuse":
        uses.refuse(engine, name, visit.who, reason=reason, at=visit.now, seen=_seen(visit))
        visit.notice(REFUSED, "warning")
    elif act == "suspend":
        uses.suspend(engine, name, visit.who, reason=reason, at=visit.now)
        visit.notice(STOPPED, "warning")
    else:
        raise InvalidDecision("nothing to do with that button")
    return redirect(f"{back}/{name}")


def _signed(visit: Visit, use: uses.Use, before: State) -> str:
    """What follows from a signature: who must still sign, or where the system has gone."""
    if use.state != before:
        return visit.say(MOVED, state=visit.say(STATES[use.state]))
    gate = uses.gate(visit.hospital.engine, use.name, visit.now)
    missing = (
        [" / ".join(visit.say(ROLES[role]) for role in slot.roles) for slot in gate.open_slots]
        if gate
        else []
    )
    return visit.say(SIGNED, roles=", ".join(missing)) if missing else visit.say(RENEWED)


def _seen(visit: Visit) -> str | None:
    """The gate that the reader had before their eyes; a form written by hand may leave it out."""
    return visit.form.get("gate")


def _line(visit: Visit, name: str) -> UseLine:
    said, use = speaker(name, visit.language), uses.current(visit.hospital.engine, name, visit.now)
    counts = [
        count for count in visit.hospital.review.counts() if count.usecase == name and count.mode == "live"
    ]
    return UseLine(
        name=name,
        title=said.say("title"),
        purpose=said.say("purpose"),
        version=said.card.version,
        state=STATES[use.state],
        speaks=use.speaks,
        open=sum(count.count for count in counts if count.status in WAITING),
        decided=sum(
            count.count for count in counts if count.status in ("accepted", "modified", "overridden")
        ),
    )


def _page(visit: Visit, name: str, said: Speaker) -> UsePage:
    engine, card = visit.hospital.engine, said.card
    use = uses.current(engine, name, visit.now)
    run = latest_run(visit.hospital, name)
    agreement = visit.hospital.review.agreement(name)
    kinds = (("accepted", N_("Accepted")), ("modified", N_("Modified")), ("overridden", N_("Overridden")))
    return UsePage(
        name=name,
        title=said.say("title"),
        purpose=said.say("purpose"),
        population=said.say("population"),
        not_for=said.say("not_for"),
        reads=tuple(said.input(each.name) for each in card.inputs),
        action=said.say("action"),
        target=said.say("target"),
        risk_class=card.risk_class,
        version=card.version,
        reviewers=tuple(ROLES.get(role, role) for role in card.reviewers),
        sources=tuple(Cited(source.citation, source.url) for source in card.sources),
        limits=tuple(said.say(f"limit.{key}") for key in card.limits_of(own=_own_model(name, use.model))),
        state=STATES[use.state],
        speaks=use.speaks,
        may_dossier=visit.may(Right.KEEP_DOSSIER),
        may_monitor=visit.may(Right.SEE_MONITORING),
        fallen=fallen(visit, name) if use.state == State.SILENT else None,
        since=use.since,
        steps=_steps(use.state),
        gate=open_gate(visit, name, uses.gate(engine, name, visit.now)),
        past=tuple(past(visit, change, said) for change in uses.history(engine, name)[:50]),
        may_suspend=visit.may(Right.SUSPEND) and use.runs,
        model=use.model,
        settings=tuple(
            (said.say(f"setting.{key}"), said.setting(key, value))
            for key, value in card.fill(use.settings).items()
        ),
        figures=_figures(visit, name),
        decisions=tuple(
            _tally(visit.say(label), getattr(agreement, kind), agreement.decided) for kind, label in kinds
        ),
        reasons=tuple(
            _tally(
                said.say(f"reason.{code}") if code else visit.say(N_("in words only")),
                count,
                agreement.overridden,
            )
            for code, count in sorted(agreement.reasons.items(), key=lambda item: -item[1])
        ),
        outcomes=_outcomes(visit, said, name),
        run=run.id if run else "",
        fragment=report(run, said.card, visit.language.code) if run else Markup(),
        bought=is_bought(name),
        run_at=made_at(visit.hospital, run) if run else None,
    )


def _steps(state: State) -> tuple[Step, ...]:
    if state not in PATH:
        return (
            *(Step(STATES[each], done=True, now=False) for each in PATH),
            Step(STATES[state], done=False, now=True),
        )
    here = PATH.index(state)
    return tuple(Step(STATES[each], place < here, place == here) for place, each in enumerate(PATH))


def open_gate(visit: Visit, name: str, gate: Gate | None) -> OpenGate | None:
    """The gate that is open, as the page shows it; None where none is."""
    if gate is None:
        return None
    found = uses.evidence_of(visit.hospital.engine, name, gate, visit.now)
    mark = _mark(visit, name, found.trial) if found.trial and name in cards() else None
    told = uses.history(visit.hospital.engine, name)
    may = visit.may(Right.SIGN_GATES)
    return OpenGate(
        code=gate.code,
        target=STATES[gate.target],
        signatures=signatures(visit, told, gate.slots, gate.signed),
        may_sign=may and gate.slot_for(visit.who) is not None,
        may_refuse=may and any(visit.who.role_among(slot.roles) for slot in gate.slots),
        trial=mark,
        lacking=tuple(dict.fromkeys(_lacking(each) for each in found.lacks)),
        validation=_validation(gate, found),
        duties=tuple(_held(visit, name, each) for each in found.duties),
        training=_training(found),
        run=found.validation.run if found.validation else "",
        about=ABOUT[gate.name],
        evidence=_evidence(name, gate.name),
        given=any(each.by == visit.who.id for each in gate.signed.values()),
        refused=_refused(visit, told, gate.target),
    )


def _evidence(name: str, gate: str) -> tuple[tuple[str, str], ...]:
    """What to read before one signs."""
    if name not in cards():
        return ()
    page = f"/usecases/{name}"
    found = {
        State.DATA_APPROVED: ((N_("What it reads"), f"{page}#card"),),
        State.VALIDATED: (
            (N_("What it was not tested for"), f"{page}#limits"),
            *(() if is_bought(name) else ((N_("Validation report"), f"{page}/report"),)),
        ),
        State.LIVE: (
            (N_("How it does here"), f"{page}#live"),
            (N_("Notice for patients"), f"{page}/notice/pdf"),
        ),
    }
    return found.get(State(gate), ()) if gate != RESUMED else ()


def _refused(visit: Visit, told: Sequence[Change], target: State) -> Refused | None:
    """Who refused the gate last, unless it moved on since."""
    for change in told:
        if change.kind == "moved":
            return None
        if change.kind == "refused" and change.after == target:
            return Refused(name_of(visit, change.by), change.at, change.reason)
    return None


def signatures(
    visit: Visit, told: Sequence[Change], slots: tuple[Slot, ...], signed: Mapping[str, Signed]
) -> tuple[Signature, ...]:
    """The signatures of a gate as the page shows them, each with the words that were kept beside it."""
    words = {
        (change.before, change.by, change.at): change.reason for change in told if change.kind == "signed"
    }
    given = []
    for slot in slots:
        each, roles = signed.get(slot.name), tuple(ROLES[role] for role in slot.roles)
        given.append(
            Signature(roles, name_of(visit, each.by), each.at, words.get((slot.name, each.by, each.at), ""))
            if each
            else Signature(roles, "", None, "")
        )
    return tuple(given)


def _lacking(code: str) -> str:
    """What lacks, in English; all duties have one line, and a list of their own."""
    code = "duties" if code.startswith("duty:") else code
    return LACKING.get(code, code)


def _validation(gate: Gate, found: Evidence) -> ValidationMark | None:
    run = found.validation
    if run is None or gate.name not in (State.VALIDATED, State.LIVE):
        return None
    lacks = run.lacks
    return ValidationMark(
        run.run, run.at, LACKING[lacks[0]] if lacks else SPEAKS, "warning" if lacks else "good"
    )


def _held(visit: Visit, name: str, each: Held) -> HeldDuty:
    duty, said = each.obligation.duty, each.obligation.said
    if each.obligation.state != "open":
        state = visit.say(N_("Done") if each.obligation.state == "done" else N_("Does not apply"))
    elif duty.begins is not None and duty.begins > visit.now.date():
        state = visit.say(N_("asked for from %(day)s"), day=visit.language.day(duty.begins))
    elif each.met and said is not None and said.due is not None:
        state = visit.say(N_("until %(day)s"), day=visit.language.day(said.due))
    elif each.strict:
        state = visit.say(N_("nobody can sign before it is done"))
    else:
        state = visit.say(N_("to be done") if each.wanted == "done" else N_("somebody must say until when"))
    path = f"/register/{name}#duty-{duty.id}" if visit.may(Right.SEE_GATES) else ""
    return HeldDuty(
        duty.id, duty.text[visit.language.code], f"{duty.law} {duty.article}", state, each.met, path
    )


def _training(found: Evidence) -> TrainingMark | None:
    if found.training is None:
        return None
    ready = found.training.ready
    share = round(100 * found.training.share)
    return TrainingMark(len(ready.trained), ready.total, share, found.training.met)


def _mark(visit: Visit, name: str, found: Trial) -> TrialMark:
    if found.altered:
        return TrialMark(ALTERED, "critical", found.seal)
    stands = trial.state(visit.hospital, name, visit.now)
    verdict, tone = VERDICTS[stands.verdict]
    return TrialMark(verdict, "warning" if stands.changed else tone, found.seal)


def past(visit: Visit, change: Change, said: Speaker | None) -> Past:
    """One thing that happened to a use, in words."""
    named = {str(state): visit.say(label) for state, label in STATES.items()}
    return Past(
        at=change.at,
        by=name_of(visit, change.by),
        role=ROLES.get(change.role, ""),
        label=KINDS[change.kind],
        before=named.get(change.before, change.before[:12]) if change.kind == "moved" else "",
        after=_values(visit, change, said)
        if change.kind == "settings" and said
        else named.get(change.after, change.after[:12]),
        reason=_reason(visit, change),
        mark=AGAINST if _against(change) else "",
    )


def _reason(visit: Visit, change: Change) -> str:
    """Why: as a person said it, or what the platform did in the reader's language."""
    ours = change.by == audit.SYSTEM or change.reason.startswith(uses.REOPENED)
    if change.kind != "moved" or not ours:
        return change.reason
    return system_words(visit, change) or change.reason


def _against(change: Change) -> bool:
    """Whether it is a signature for *live* that was given without a success in the silent trial."""
    to_live = change.kind == "signed" and change.after == State.LIVE
    return to_live and "trial:" in change.on and not change.on.endswith(":success")


def _own_model(name: str, model: str) -> bool:
    """Whether the model in force is one that the hospital put there, and not the one that the use ships."""
    shipped = find(name)().model
    return bool(model) and (shipped is None or model != shipped.hash)


def _values(visit: Visit, change: Change, said: Speaker) -> str:
    """The thresholds that a change put in force, each with its name; their hash where they were not kept."""
    try:
        values = uses.use_settings(visit.hospital.engine, change.usecase, change.after)
    except NotFound:
        return change.after[:12]
    return " · ".join(
        f"{said.say(f'setting.{key}')}: {said.setting(key, value)}" for key, value in values.items()
    )


def _figures(visit: Visit, name: str) -> tuple[Figure, ...]:
    review, say = visit.hospital.review, visit.language
    counts = [count for count in review.counts() if count.usecase == name]
    live = sum(count.count for count in counts if count.mode == "live")
    silent = sum(count.count for count in counts if count.mode == "silent")
    agreement, delays = review.agreement(name), review.delays(name)
    figures = [
        Figure(say.number(silent), N_("suggestions in silence")),
        Figure(say.number(live), N_("suggestions shown")),
        Figure(say.number(agreement.decided), N_("decisions")),
    ]
    if agreement.share is not None:
        figures.append(Figure(say.percent(agreement.share), N_("accepted as suggested")))
    if delays.to_decision is not None:
        figures.append(
            Figure(say.lasted(max(delays.to_decision, timedelta())), N_("median time to a decision"))
        )
    return tuple(figures)


def _tally(words: str, count: int, total: int) -> Tally:
    return Tally(words, count, count / total if total else None)


def _outcomes(visit: Visit, said: Speaker, name: str) -> tuple[Tally, ...]:
    """For each option suggested, in how many of those with a known outcome the target came true."""
    known: dict[str, list[int]] = {}
    for cell in visit.hospital.review.agreement(name).cells:
        if cell.outcome is not None:
            pair = known.setdefault(cell.suggested, [0, 0])
            pair[0] += cell.count * cell.outcome
            pair[1] += cell.count
    return tuple(
        Tally(said.option(code), total, true / total) for code, (true, total) in sorted(known.items())
    )
