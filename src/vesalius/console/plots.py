"""The pictures of the monitoring page, in the reader's language. Drawing is loaded when it is needed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from vesalius.console.contexts import Plot
from vesalius.console.languages import N_
from vesalius.console.visit import Visit
from vesalius.console.words import Speaker
from vesalius.errors import NotFound
from vesalius.monitoring import Figures, Range, Week
from vesalius.monitoring.status import monday
from vesalius.review.factors import Factors, day_of, quantile

if TYPE_CHECKING:
    from vesalius.evaluation.trends import Series
    from vesalius.monitoring.distributions import Beside

_EPOCH = date(1970, 1, 1)

CHARTS = {
    "more": N_("CUSUM: more outcomes than said"),
    "fewer": N_("CUSUM: fewer outcomes than said"),
}
HOW_CHART = N_(
    "Each known outcome adds the logarithm of how much likelier it is if the odds are twice (or half) what "
    "was said; the sum starts again at zero. At the limit it signals."
)
BLIND_CHART = N_(
    "It cannot tell a worse model from worse care; fewer outcomes than said can be the use's success."
)
HOW_AUROC = N_(
    "Estimated: from the probabilities alone, as if they were calibrated (CBPE). By outcomes: of those known "
    "so far. Bands and bars are intervals of 95 per cent."
)
BLIND_AUROC = N_(
    "The estimate is blind to concept shift: when the same facts come to mean something else, it stays fine."
)
HOW_RATIO = N_("Outcomes observed per expected by the probabilities, per week; one is ideal.")
BLIND_RATIO = N_("An outcome that the suggestion prevented counts as one that did not come.")
HOW_OVERRIDE = N_(
    "Overrides per decision of each week. The dashed lines are the limits of a p-chart: three standard "
    "errors around the share of all weeks."
)
HOW_BURDEN = N_("Suggestions shown per clinician-hour, by the hours that the hospital declares.")
HOW_SHOWN = N_(
    "Suggestions shown per day, all wards together; the hospital has not declared its clinician-hours."
)
HOW_DELAY = N_(
    "From the moment the data was known to the decision: half, and nine in ten, of those decided that week; "
    "right to about a tenth."
)
HOW_ACCEPTED = N_(
    "How often suggestions were accepted that proved right, and that proved wrong. If wrong ones are "
    "accepted as often as right ones, people may follow without looking."
)
BLIND_ACCEPTED = N_("It is a sign and no proof: the decisions whose outcome is known are not all decisions.")


def performance(visit: Visit, past: Sequence[Week], seen: Figures) -> tuple[Plot, ...]:
    """Discrimination and calibration over the weeks, and the charts."""
    found = [_auroc(visit, past, seen), _ratio(visit, past)] if past else []
    return (*found, *_charts(visit, seen))


def of_people(visit: Visit, by_week: Mapping[int, Factors], hours: float | None) -> tuple[Plot, ...]:
    """Overrides, burden, delays and acceptance over the weeks."""
    found = [_overrides(visit, by_week), _burden(visit, by_week, hours), _delays(visit, by_week)]
    if any(week.right[1] + week.wrong[1] for week in by_week.values()):
        found.append(_accepted(visit, by_week))
    return tuple(found)


def week_name(visit: Visit, day: int) -> str:
    """What a week is called: its Monday, without the year."""
    from babel import dates

    return dates.format_skeleton("MMMd", _EPOCH + timedelta(days=day), locale=visit.language.locale)


def monday_of(text: str) -> int:
    """The Monday of a week, from an address.

    Raises:
        NotFound: it is no date.
    """
    try:
        return monday((date.fromisoformat(text) - _EPOCH).days)
    except ValueError:
        raise NotFound("there is no such week") from None


def beside(visit: Visit, said: Speaker, found: Beside) -> Markup:
    """One input in one week beside the reference: the shares of the known values."""
    from vesalius.evaluation import trends

    names = (visit.say(N_("Reference")), visit.say(N_("This week")))
    labels = list(_labels(visit, said, found))
    shares = [[count / max(sum(counts), 1) for count in counts] for counts in (found.before, found.now)]
    shown = [place for place in range(len(labels)) if shares[0][place] or shares[1][place]]
    picture = trends.side_by_side(
        [labels[place] for place in shown],
        *([side[place] for place in shown] for side in shares),
        title=said.input(found.field.name),
        description=f"{names[0]}, {names[1]}",
        names=names,
        write=visit.language.percent,
    )
    return Markup(picture)  # noqa: S704 -- made here, every word in it escaped  # nosec B704


def _labels(visit: Visit, said: Speaker, found: Beside) -> Iterator[str]:
    """What each bin is called."""
    field, number = found.field, visit.language.number
    if field.kind == "number":
        if field.edges:
            yield f"< {number(field.edges[0])}"
            yield from (f"{number(low)} – {number(high)}" for low, high in itertools.pairwise(field.edges))
            if len(field.edges) == 1:
                yield number(field.edges[0])
            yield f"> {number(field.edges[-1])}"
        else:
            yield visit.say(N_("any value"))
    else:
        yield from (said.value(field.name, _level(field.kind, level)) for level in field.levels)
        yield visit.say(N_("never seen before"))
    yield visit.say(N_("missing"))


def _level(kind: str, level: str) -> str | bool:
    return level == "true" if kind == "boolean" else level


def _auroc(visit: Visit, past: Sequence[Week], seen: Figures) -> Plot:
    from vesalius.evaluation.trends import Series

    series = [
        _banded(visit.say(N_("By outcomes")), [week.realised for week in past], "s2"),
        _banded(visit.say(N_("Estimated")), [week.estimated for week in past], "s1"),
    ]
    if seen.before.value is not None:
        line: list[float | None] = [seen.before.value] * len(past)
        series.append(Series(visit.say(N_("Reference")), line, style="c-guide", dots=False))
    lows = [side for week in past for side in (week.estimated.low, week.realised.low) if side is not None]
    low = min([0.5, *(math.floor(value * 10) / 10 for value in lows)])
    title = N_("Discrimination (AUROC), week by week")
    picture = _weekly(visit, past, series, title, "AUROC", (low, 1.0))
    return Plot(title, picture, HOW_AUROC, BLIND_AUROC)


def _ratio(visit: Visit, past: Sequence[Week]) -> Plot:
    from vesalius.evaluation.trends import Series

    one: list[float | None] = [1.0] * len(past)
    series = [
        _banded(visit.say(N_("Observed per expected")), [week.ratio for week in past], "s1"),
        Series(visit.say(N_("Ideal")), one, style="c-guide", dots=False),
    ]
    highs = [week.ratio.high for week in past if week.ratio.high is not None]
    title = N_("Calibration: observed per expected, week by week")
    within = (0.0, min(max([2.0, *highs]), 4.0))
    return Plot(title, _weekly(visit, past, series, title, "O:E", within), HOW_RATIO, BLIND_RATIO)


def _charts(visit: Visit, seen: Figures) -> Iterator[Plot]:
    from vesalius.evaluation import trends

    for chart in seen.charts:
        title = CHARTS[chart.name]
        picture = trends.by_case(
            chart.points,
            chart.limit,
            title=visit.say(title),
            description=visit.say(
                N_("The sum is %(value)s of %(limit)s after %(cases)s cases."),
                value=visit.language.number(chart.value, 2),
                limit=visit.language.number(chart.limit, 2),
                cases=visit.language.number(chart.cases, 0),
            ),
            names=(visit.say(N_("Known outcomes")), visit.say(N_("Sum"))),
            line=visit.say(N_("Sum so far")),
            bound=visit.say(N_("Limit")),
            write=visit.language.number,
        )
        yield Plot(title, Markup(picture), HOW_CHART, BLIND_CHART)  # noqa: S704 -- made here, all words escaped  # nosec B704


def _overrides(visit: Visit, by_week: Mapping[int, Factors]) -> Plot:
    from vesalius.evaluation.trends import Series

    over = [week.count("overridden") for week in by_week.values()]
    of = [week.decided for week in by_week.values()]
    mean = sum(over) / sum(of) if sum(of) else 0.0
    sides = [3 * math.sqrt(mean * (1 - mean) / count) if count else None for count in of]
    high = [None if side is None else min(1.0, mean + side) for side in sides]
    low = [None if side is None else max(0.0, mean - side) for side in sides]
    series = [
        Series(
            visit.say(N_("Overrides per decision")), [_share(*pair) for pair in zip(over, of, strict=True)]
        ),
        Series(visit.say(N_("Limits")), high, style="c-guide", dots=False),
        Series(
            visit.say(N_("Share of all weeks")),
            [mean if count else None for count in of],
            style="s6",
            dots=False,
        ),
    ]
    title = N_("Overrides")
    picture = _weekly(visit, by_week, [*series[:2], Series("", low, style="c-guide", dots=False), series[2]],
                      title, "%", (0.0, 1.0), percent=True)  # fmt: skip
    return Plot(title, picture, HOW_OVERRIDE, "")


def _burden(visit: Visit, by_week: Mapping[int, Factors], hours: float | None) -> Plot:
    from vesalius.evaluation.trends import Series

    today = day_of(visit.now)  # this week is not over: its days until now count
    values: list[float | None] = [
        week.live / min(7, today - first + 1) / (hours or 1.0) if week.live else None
        for first, week in by_week.items()
    ]
    words = N_("Shown per clinician-hour") if hours else N_("Shown per day")
    title = N_("Burden")
    picture = _weekly(visit, by_week, [Series(visit.say(words), values)], title, visit.say(words))
    return Plot(title, picture, HOW_BURDEN if hours else HOW_SHOWN, "")


def _delays(visit: Visit, by_week: Mapping[int, Factors]) -> Plot:
    from vesalius.evaluation.trends import Series

    def lasted(share: float) -> list[float | None]:
        found = (quantile(week.to_decision, share) for week in by_week.values())
        return [None if each is None else each.total_seconds() / 3600 for each in found]

    series = [
        Series(visit.say(N_("Half")), lasted(0.5)),
        Series(visit.say(N_("Nine in ten")), lasted(0.9), style="s2"),
    ]
    title = N_("Time from the data to the decision")
    picture = _weekly(visit, by_week, series, title, visit.say(N_("Hours")))
    return Plot(title, picture, HOW_DELAY, "")


def _accepted(visit: Visit, by_week: Mapping[int, Factors]) -> Plot:
    from vesalius.evaluation.trends import Series

    series = [
        Series(visit.say(N_("Right ones")), [_share(*week.right) for week in by_week.values()]),
        Series(visit.say(N_("Wrong ones")), [_share(*week.wrong) for week in by_week.values()], style="s2"),
    ]
    title = N_("Accepted: right and wrong suggestions")
    picture = _weekly(visit, by_week, series, title, "%", (0.0, 1.0), percent=True)
    return Plot(title, picture, HOW_ACCEPTED, BLIND_ACCEPTED)


def _share(part: int, of: int) -> float | None:
    return part / of if of else None


def _banded(words: str, ranges: Sequence[Range], style: str) -> Series:
    from vesalius.evaluation.trends import Series

    return Series(
        words,
        [each.value for each in ranges],
        [each.low for each in ranges],
        [each.high for each in ranges],
        style,
    )


def _weekly(
    visit: Visit,
    weeks: Sequence[Week] | Mapping[int, Factors],
    series: Sequence[Series],
    title: str,
    name: str,
    within: tuple[float, float] | None = None,
    *,
    percent: bool = False,
) -> Markup:
    """Lines over weeks, each named by its Monday."""
    from vesalius.evaluation import trends

    mondays = list(weeks) if isinstance(weeks, Mapping) else [week.monday for week in weeks]
    last = [value for value in series[0].values if value is not None]
    write = visit.language.percent if percent else visit.language.number
    picture = trends.over_time(
        [week_name(visit, each) for each in mondays],
        series,
        title=visit.say(title),
        description=visit.say(N_("Last: %(value)s"), value=write(round(last[-1], 3)) if last else "–"),
        name=name,
        write=write,
        within=within,
    )
    return Markup(picture)  # noqa: S704 -- made here, every word in it escaped  # nosec B704
