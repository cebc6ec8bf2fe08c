"""A picture of one scenario: each monitor a line, and when it saw the change."""

from __future__ import annotations

from vesalius.evaluation._svg import Picture, ticks, with_rules
from vesalius.simulation.drifting import Drifted

_ROW = 26.0

_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.c-tick{font-size:12px}.c-end{text-anchor:end}"
    ".c-middle{text-anchor:middle}.c-grid{stroke:#ddd}.c-axis{stroke:#555;fill:none}"
    ".c-line{stroke:#0b5c87;stroke-width:3;fill:none}.c-dot{fill:#0b5c87}.c-stop{stroke:#a32020;fill:#a32020}"
    ".c-none{fill:#777}"
)
"""A file of its own has no style sheet of a page."""


def picture(done: Drifted) -> str:
    """A whole SVG file: from the earliest to the latest repeat that saw it, a dot at the median."""
    lines = [(line.monitor, line, "") for line in done.monitors]
    lines += [(f"stop: {line.monitor}", line, "c-stop") for line in done.rules]
    height = 60 + _ROW * len(lines)
    drawn = Picture(width=680, height=height, left=130, bottom=46, x=(0, done.plan.after), y=(0, len(lines)))
    drawn.axes(ticks(0, done.plan.after), [], lambda value: f"{value:g}", str, ("days after the change", ""))
    for place, (name, line, style) in enumerate(lines):
        level = len(lines) - place - 0.5
        y = drawn.down(level)
        drawn.text(drawn.left - 8, y + 4, name, "c-tick c-end")
        if line.days is None or line.earliest is None or line.latest is None:
            drawn.text(drawn.left + 8, y + 4, "does not see it", "c-tick c-none")
            continue
        drawn.line([line.earliest, line.latest], [level, level], style)
        drawn.dot(line.days, level, style, 5)
        if line.share < 1:
            drawn.text(drawn.across(line.latest) + 10, y + 4, f"{line.share:.0%}", "c-tick")
    told = f"{done.usecase}: {done.words}, {done.plan.repeats} repeats"
    svg = drawn.render(told, "When each monitor first sees the change; those that never do say so.")
    return with_rules(svg, _STYLE)
