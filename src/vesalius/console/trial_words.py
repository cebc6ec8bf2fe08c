"""The words of the silent trial's page: verdicts, endpoints, the numbers of a plan and why each matters."""

from __future__ import annotations

from dataclasses import dataclass

from vesalius.console.languages import N_, Language
from vesalius.evaluation.endpoints import Aim
from vesalius.evaluation.metrics import Estimate

VERDICTS = {
    "none": (N_("Nothing registered"), "info"),
    "waiting": (N_("Registered, not begun"), "info"),
    "go_on": (N_("Go on"), "info"),
    "success": (N_("Enough seen: success"), "good"),
    "uneven": (N_("Enough seen: success, and worse in a group"), "warning"),
    "futile": (N_("Enough seen: will not succeed"), "warning"),
    "maximum": (N_("All seen: not shown"), "warning"),
}
"""Each verdict in words, and how it looks."""

EXPLAINED = {
    "none": N_("What the silent trial must show is registered first; only patients seen after that count."),
    "waiting": N_("The use does not run in silence yet. Its patients count from the moment it does."),
    "go_on": N_(
        "Not enough has been seen to say. How the tool does is computed only at the planned looks, so that"
        " nobody stops on a good day."
    ),
    "success": N_(
        "The figure lies above the value that was fixed beforehand. The step to live can be signed."
    ),
    "uneven": N_("On the whole the value is exceeded; in a group that must not be worse, it is not."),
    "futile": N_("Going on to the end would hardly change it. One may go on with another plan."),
    "maximum": N_("All that was planned has been seen, and it was not shown that the value is exceeded."),
}

CHANGED = {
    "tool": N_(
        "Another version, model or other thresholds are in force now: this trial was about another tool."
        " Register a new plan."
    ),
    "silenced": N_("The use was silenced after this verdict. Register a new plan."),
    "live": N_("The use speaks: its silent trial is over."),
}

ENDPOINTS = {
    "auroc": N_("Discrimination (AUROC)"),
    "sensitivity": N_("Sensitivity"),
    "ppv": N_("Positive predictive value"),
    "sensitivity_gain": N_("Sensitivity, compared with the clinicians"),
    "net_benefit_gain": N_("Net benefit, compared with the clinicians"),
    "calibration": N_("Calibration (observed : expected)"),
}

MEANINGS = {
    "auroc": N_(
        "The chance that a patient with the outcome gets a higher probability than one without; 0.5 is what"
        " a coin does."
    ),
    "sensitivity": N_("Of the patients with the outcome, the share on whom the tool would act."),
    "ppv": N_("Of the patients on whom the tool would act, the share with the outcome."),
    "sensitivity_gain": N_(
        "On the same patients with the outcome: on how many more the tool would act than the clinicians did."
        " A negative value to exceed means: not much worse."
    ),
    "net_benefit_gain": N_(
        "Patients rightly acted on, less those needlessly acted on, weighed by the threshold; tool less"
        " clinicians, per 100 patients."
    ),
    "calibration": N_("Patients with the outcome, divided by how many the tool expected; 1 is right."),
}


@dataclass(frozen=True)
class Number:
    """One number of the form.

    Attributes:
        label, help: in English.
        unit: ``%``, ``figure`` (as the endpoint is written), ``days`` or empty.
        minimum, maximum, step: as shown.
    """

    label: str
    help: str
    unit: str
    minimum: float
    maximum: float
    step: float


NUMBERS = {
    "value": Number(
        N_("The value to exceed"),
        N_("Success means: above this. Proposed is the lower end of what validation found."),
        "figure", -100, 100, 0.01,
    ),
    "upper": Number(
        N_("And to stay below"), N_("The upper bound of observed : expected."), "figure", 1, 10, 0.01
    ),
    "expected": Number(
        N_("What you expect"),
        N_("What validation found. The nearer it lies to the value to exceed, the more patients are needed."),
        "figure", -100, 100, 0.001,
    ),
    "prevalence": Number(
        N_("Patients with the outcome"),
        N_("Of all who get a suggestion. They carry most of what is learnt."),
        "%", 0.1, 99, 0.1,
    ),
    "flagged": Number(
        N_("Patients on whom the tool acts"), N_("Of all who get a suggestion."), "%", 1, 99, 0.1
    ),
    "disagreement": Number(
        N_("Tool and clinicians differ"),
        N_("Of the patients who are compared. Where both do the same, nothing is learnt."),
        "%", 1, 95, 1,
    ),
    "threshold": Number(
        N_("Threshold that weighs a needless act"),
        N_("At one in five, one patient missed weighs as much as four needless acts."),
        "%", 1, 95, 1,
    ),
    "alpha": Number(
        N_("Chance of a false success"),
        N_("How often a tool that does not exceed the value would still succeed, over all looks together."),
        "%", 0.1, 20, 0.1,
    ),
    "power": Number(
        N_("Chance to see a true success"), N_("If the tool is as good as you expect."), "%", 50, 99, 1,
    ),
    "looks": Number(N_("Planned looks"), N_("At equal shares of what is to be seen."), "", 1, 10, 1),
    "wait_days": Number(
        N_("Wait for the outcome"),
        N_("A case counts after so many days; an outcome still unknown then is missing."),
        "days", 0, 180, 1,
    ),
    "longest_days": Number(
        N_("At the longest"), N_("The last look is taken then, whatever has been seen."), "days", 1, 3650, 1,
    ),
}  # fmt: skip
"""The numbers of a plan, in the order of the form."""

SHOWN = {
    "auroc": ("value", "expected", "prevalence"),
    "sensitivity": ("value", "expected", "prevalence"),
    "ppv": ("value", "expected", "flagged"),
    "sensitivity_gain": ("value", "expected", "prevalence", "disagreement"),
    "net_benefit_gain": ("value", "expected", "prevalence", "disagreement", "threshold"),
    "calibration": ("value", "upper", "expected", "prevalence"),
}
"""The beliefs that matter to each endpoint."""

RULES = ("alpha", "power", "looks", "wait_days", "longest_days")

SPENDING = {
    "obrien-fleming": N_("Careful at first (O’Brien & Fleming)"),
    "pocock": N_("Even (Pocock): stops earlier, needs more at most"),
}

PROBLEMS = (
    N_("the expected figure does not lie above the value to exceed"),
    N_("the value to exceed and the expected figure are no possible figures"),
    N_("tool and clinicians must disagree at least as often as the gain is large"),
    N_("the bounds of observed : expected lie below and above 1"),
    N_("the expected ratio lies between the bounds"),
    N_("name the options that mean to act: one at least, and not all of them"),
    N_("the wait for an outcome is at most 180 days, and shorter than the trial"),
    N_("a use without a model gives no probability: choose another endpoint"),
    N_("this use does not know what the clinicians do: choose another endpoint"),
    N_("say why: the reason is kept with the plan"),
    N_("a number is missing, or is none"),
)
"""What can be wrong with a plan; the console says it in the reader's language."""

OTHERS = {
    "auroc": N_("Discrimination (AUROC)"),
    "observed_expected": N_("Observed : expected"),
    "sensitivity": N_("Sensitivity of the tool"),
    "practice_sensitivity": N_("Sensitivity of the clinicians"),
    "specificity": N_("Specificity of the tool"),
    "practice_specificity": N_("Specificity of the clinicians"),
    "ppv": N_("Positive predictive value of the tool"),
}

FATES = (
    (True, True, N_("Both act")),
    (True, False, N_("Only the tool would act")),
    (False, True, N_("Only the clinicians act")),
    (False, False, N_("Neither acts")),
)

RIGHT = {
    "both": N_("both right"),
    "tool": N_("the tool alone right"),
    "people": N_("the clinicians alone right"),
    "none": N_("both wrong"),
}

TILES = {
    "patients": N_("patients counted"),
    "events": N_("of these, with the outcome"),
    "waiting": N_("still waited for"),
    "missing": N_("outcome missing"),
    "beyond": N_("out of scope"),
    "repeats": N_("further suggestions on the same patients"),
}

PLAIN = frozenset({"auroc", "calibration"})
"""Endpoints whose figure is written as it is; the others in percent."""


def scale(endpoint: str, unit: str) -> float:
    """How many of what is shown make one of what is kept."""
    return 100.0 if unit == "%" or (unit == "figure" and endpoint not in PLAIN) else 1.0


def written(language: Language, endpoint: str, value: float) -> str:
    """A figure of an endpoint."""
    if endpoint in PLAIN:
        return language.number(value, 3 if endpoint == "auroc" else 2)
    if endpoint == "net_benefit_gain":
        return language.number(100 * value, 2)
    return language.percent(value, 1)


def with_interval(language: Language, endpoint: str, estimate: Estimate | None) -> str:
    """A figure of an endpoint with its interval, or empty where it is not defined."""
    if estimate is None or estimate.value is None:
        return ""
    value = written(language, endpoint, estimate.value)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (written(language, endpoint, each) for each in (estimate.low, estimate.high))
    return f"{value} ({language.say(N_('%(low)s to %(high)s'), low=low, high=high)})"


def must_show(language: Language, aim: Aim) -> str:
    """What a plan must show, in one line."""
    name = language.say(ENDPOINTS[aim.endpoint])
    low, high = (written(language, aim.endpoint, each) for each in (aim.value, aim.upper))
    if aim.endpoint == "calibration":
        return language.say(N_("%(name)s between %(low)s and %(high)s"), name=name, low=low, high=high)
    return language.say(N_("%(name)s above %(low)s"), name=name, low=low)
