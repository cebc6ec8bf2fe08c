"""The pictures of a silent trial in the reader's language."""

from __future__ import annotations

from markupsafe import Markup

from vesalius.console.languages import N_, Language
from vesalius.trial import Look, State

# Evaluation is imported where it is needed: numpy comes with it, and the worklist does without.


def boundaries(language: Language, stands: State) -> Markup:
    """The statistic of each look between its bounds; those still to come as they are planned."""
    from vesalius.evaluation import trial_charts
    from vesalius.evaluation.sequential import at_looks
    from vesalius.trial.planning import drafted

    plan, last = stands.plan, stands.looks[-1]
    assert plan is not None
    bounds = last.bounds
    ahead = [] if last.last else [each for each in plan.fractions if each > bounds.fractions[-1] + 0.01]
    if ahead:
        bounds = at_looks(drafted(plan), (*bounds.fractions, *ahead), last=True)
    words = {
        "title": language.say(N_("The looks and their bounds")),
        "description": language.say(
            N_(
                "At each look, the statistic beside the bound of success and the bound of futility;"
                " the table says the same."
            )
        ),
        "across": language.say(N_("Share of what is to be seen")),
        "down": language.say(N_("Statistic z")),
        "upper": language.say(N_("from here on: success")),
        "lower": language.say(N_("from here down: will not succeed")),
        "found": language.say(N_("what was found")),
    }  # fmt: skip
    found = [each.measured.z for each in stands.looks]
    drawn = trial_charts.boundaries(bounds, found, words, language.percent, language.number)
    return Markup(drawn)  # noqa: S704 -- made by our own escaping code  # nosec B704


def progress(language: Language, stands: State) -> Markup:
    """How much of what is to be seen is there, with the planned looks."""
    from vesalius.evaluation import trial_charts

    assert stands.plan is not None
    fraction = stands.accrual.fraction if stands.accrual else 0.0
    seen = language.percent(fraction)
    words = {
        "title": language.say(N_("How much has been seen")),
        "description": language.say(N_("%(share)s of what is to be seen is there."), share=seen),
        "look": language.say(N_("look")),
        "name": language.say(N_("%(share)s of what is to be seen is there."), share=seen),
    }
    drawn = trial_charts.progress(fraction, stands.plan.fractions, len(stands.looks), words, language.percent)
    return Markup(drawn)  # noqa: S704 -- made by our own escaping code  # nosec B704


def pictogram(language: Language, look: Look) -> Markup:
    """Of a thousand patients, who was right about each; empty where the clinicians' acts are not known."""
    from vesalius.console.trial_words import RIGHT
    from vesalius.evaluation import trial_charts

    counts = dict.fromkeys(trial_charts.MARKS, 0)
    for cell in look.cells:
        if cell.clinicians is None or cell.outcome is None:
            continue
        tool, people = cell.tool == cell.outcome, cell.clinicians == cell.outcome
        counts["both" if tool and people else "tool" if tool else "people" if people else "none"] += (
            cell.count
        )
    if not any(counts.values()):
        return Markup()
    thousand = _thousand(counts)
    words = {
        "title": language.say(N_("Of 1,000 patients, who was right")),
        "description": language.say(
            N_("The tool and the clinicians against what happened; the table says the same.")
        ),
    } | {
        name: f"{language.number(thousand[name])} – {language.say(words)}"
        for name, words in RIGHT.items()
    }  # fmt: skip
    return Markup(trial_charts.pictogram(thousand, words))  # noqa: S704 -- made by our own escaping code  # nosec B704


def _thousand(counts: dict[str, int]) -> dict[str, int]:
    """Counts as whole parts of 1,000 that add up (the largest remainders get what rounding left)."""
    total = sum(counts.values())
    exact = {name: 1000 * count / total for name, count in counts.items()}
    found = {name: int(value) for name, value in exact.items()}
    order = sorted(exact, key=lambda name: found[name] - exact[name])
    for name in order[: 1000 - sum(found.values())]:
        found[name] += 1
    return found
