"""The thresholds that the hospital chooses: for each, acts avoided beside outcomes missed."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import Response

from vesalius.card import Setting
from vesalius.console.contexts import Knob, ThresholdsPage, Trial, TrialWords
from vesalius.console.languages import N_
from vesalius.console.runs import latest_run, picture
from vesalius.console.silenced import fallen
from vesalius.console.usecases import past
from vesalius.console.visit import Visit, redirect, render
from vesalius.console.words import UNITS, Speaker, speaker
from vesalius.errors import Conflict, InvalidCard, InvalidSetting
from vesalius.governance import Right, uses
from vesalius.governance.lifecycle import State

if TYPE_CHECKING:
    from vesalius.evaluation import Run

CHANGED = N_("The new thresholds are in force. Suggestions made before keep theirs.")
SILENCED = N_(
    "The new thresholds are in force. The gate is open again: it says nothing until all have signed."
)
WRONG = N_("A threshold is not a number within its bounds. Nothing was changed.")
SAME = N_("These thresholds are in force already. Nothing was changed.")
HEADINGS = {
    "intro": N_("The hospital weighs two harms: to act for nothing, and to miss. Choose with both in view."),
    "caption": N_("If one acted from this probability on."),
    "acted": N_("Acted on"),
    "avoided": N_("Acts avoided"),
    "wrongly": N_("of these, with the outcome"),
    "missed": N_("With the outcome, missed"),
}
NO_REASON = N_("Say why: the reason is kept with your name.")


def show(visit: Visit) -> Response:
    """The page."""
    name = visit.path("name")
    return render(visit, "thresholds.html", _page(visit, name, speaker(name, visit.language)))


def change(visit: Visit) -> Response:
    """Puts other thresholds in force, or says why not."""
    name = visit.path("name")
    said, reason = speaker(name, visit.language), visit.form.get("reason", "").strip()[:2000]
    try:
        values = {item.name: _number(visit.form.get(item.name, ""), item) for item in said.card.settings}
        said.card.fill(values)
    except (ValueError, InvalidCard):
        return _refused(visit, name, said, WRONG, 400)
    spoke = uses.speaks(visit.hospital.engine, name, visit.now)
    try:
        uses.set_use_settings(visit.hospital.engine, name, values, visit.who, reason=reason, at=visit.now)
    except InvalidSetting:
        return _refused(visit, name, said, NO_REASON, 400)
    except Conflict:
        return _refused(visit, name, said, SAME, 409)
    visit.notice(SILENCED if spoke else CHANGED, "warning" if spoke else "good")
    return redirect(f"/usecases/{name}/settings")


def _typed(visit: Visit, setting: Setting, value: float) -> float:
    """What was typed in the form that was refused, so that it need not be typed again; else ``value``."""
    try:
        return _number(visit.form.get(setting.name, ""), setting)
    except ValueError:
        return value


def _scale(setting: Setting) -> int:
    """How many of the unit shown make one of the setting: a probability is shown in percent."""
    return 1 if setting.unit else 100


def _number(words: str, setting: Setting) -> float:
    """The value of a setting, from what the form says in the unit shown."""
    value = float(words.strip().removesuffix("%").replace(",", ".")[:20])
    if not isfinite(value):  # NaN compares with nothing and would pass every bound
        raise ValueError("not a number")
    return round(value / _scale(setting), 6)


def _knob(visit: Visit, said: Speaker, setting: Setting, value: float) -> Knob:
    def shown(number: float) -> float:
        return round(number * _scale(setting), 6)

    name = setting.name
    return Knob(
        name=name,
        label=said.say(f"setting.{name}"),
        help=said.say(f"setting.{name}.help"),
        unit=UNITS.get(setting.unit, setting.unit) or "%",
        value=shown(_typed(visit, setting, value)),
        minimum=shown(setting.minimum),
        maximum=shown(setting.maximum),
        step=shown(setting.step),
        low=said.setting(name, setting.minimum),
        high=said.setting(name, setting.maximum),
        default=said.setting(name, setting.default),
    )


def _words(said: Speaker) -> TrialWords:
    return TrialWords(**{name: said.or_else(f"trial.{name}", message) for name, message in HEADINGS.items()})


def _trials(said: Speaker, values: dict[str, float], run: Run) -> tuple[Trial, ...]:
    """One line per step of 5 %, and one for each threshold in force."""
    courses = run.practice.acted if run.practice else run.rows
    names: dict[int, list[str]] = {}
    for name, value in _probabilities(said, values).items():
        names.setdefault(round(100 * value), []).append(said.say(f"setting.{name}"))
    shown = {*range(5, 96, 5), *names}
    return tuple(
        Trial(
            value=row.probability,
            acted=row.acted,
            avoided=row.avoided,
            avoided_share=row.avoided / courses if courses else 0.0,
            avoided_wrongly=row.avoided_with_outcome,
            missed=row.missed,
            missed_share=row.missed / run.events if run.events else 0.0,
            in_force=", ".join(names.get(round(100 * row.probability), ())),
        )
        for row in run.thresholds
        if round(100 * row.probability) in shown
    )


def _probabilities(said: Speaker, values: dict[str, float]) -> dict[str, float]:
    """The settings that are probabilities: the others are no thresholds on the curve."""
    return {name: value for name, value in values.items() if not said.unit(name)}


def _refused(visit: Visit, name: str, said: Speaker, problem: str, status: int) -> Response:
    return render(visit, "thresholds.html", _page(visit, name, said, problem), status)


def _page(visit: Visit, name: str, said: Speaker, problem: str = "") -> ThresholdsPage:
    engine = visit.hospital.engine
    use = uses.current(engine, name, visit.now)
    values, run = said.card.fill(use.settings), latest_run(visit.hospital, name)
    return ThresholdsPage(
        name=name,
        title=said.say("title"),
        knobs=tuple(_knob(visit, said, item, values[item.name]) for item in said.card.settings),
        trials=_trials(said, values, run) if run else (),
        words=_words(said),
        picture=picture(run, visit.language.code, list(_probabilities(said, values).values()))
        if run
        else Markup(),
        patients=run.patients if run else 0,
        courses=run.practice.acted if run and run.practice else None,
        may_change=visit.may(Right.CHANGE_SETTINGS),
        speaks=use.speaks,
        fallen=fallen(visit, name) if use.state == State.SILENT else None,
        past=tuple(past(visit, item, said) for item in uses.history(engine, name) if item.kind == "settings"),
        problem=problem,
        reason=visit.form.get("reason", "")[:2000],
    )
