"""The first page says what follows from the figures, and nothing else."""

import msgspec
import pytest

from vesalius.card import Setting
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.reporting import document
from vesalius.evaluation.reporting.document import Points, Table, Tiles
from vesalius.evaluation.reporting.summary import nearest
from vesalius.evaluation.run import Subgroup


def first_page(run, card, **changes):
    """The points of the summary, as plain text."""
    model, *rest = run.performances
    model = msgspec.structs.replace(model, **{k: v for k, v in changes.items() if k in ("auroc", "slope")})
    if "gain" in changes:
        rest = [msgspec.structs.replace(item, gain=changes["gain"]) for item in rest]
    made = msgspec.structs.replace(run, performances=(model, *rest))
    if "subgroups" in changes:
        made = msgspec.structs.replace(made, subgroups=changes["subgroups"])
    blocks = document(made, card, "en").section("summary").blocks
    points = [point for block in blocks if isinstance(block, Points) for point in block.points]
    return "\n".join("".join(span.text for span in point) for point in points)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"auroc": Estimate(0.7, 0.6, 0.8)}, "It tells patients with the outcome from those without"),
        ({"auroc": Estimate(0.6, 0.48, 0.7)}, "not shown to tell patients apart better than chance"),
        ({"gain": Estimate(0.05, 0.01, 0.1)}, "does better than the best simple rule"),
        ({"gain": Estimate(0.05, -0.01, 0.1)}, "not shown to do better"),
        ({"gain": Estimate(-0.05, -0.1, -0.01)}, "does worse than the best simple rule"),
        ({"slope": Estimate(1.0, 0.8, 1.2)}, "no systematic error"),
        ({"slope": Estimate(0.7, 0.6, 0.9)}, "too extreme"),
        ({"slope": Estimate(1.4, 1.1, 1.7)}, "too cautious"),
    ],
)
def test_a_sentence_follows_from_the_interval(run, toy, changes, expected):
    assert expected in first_page(run, toy.card, **changes)


def group(auroc, level="male"):
    return Subgroup(
        input="sex", level=level, rows=30, events=9, auroc=auroc, expected=0.3, observed=Estimate(0.3)
    )


def test_a_group_that_is_too_small_or_does_worse_is_named(run, toy):
    whole = Estimate(0.8, 0.7, 0.9)
    said = first_page(
        run, toy.card, auroc=whole, subgroups=(group(None), group(Estimate(0.6, 0.5, 0.7), "female"))
    )
    assert "Too few patients to say anything about: Sex: male" in said
    assert "It does worse for Sex: female" in said
    fine = first_page(run, toy.card, auroc=whole, subgroups=(group(Estimate(0.7, 0.5, 0.85)),))
    assert "No subgroup was shown to do worse" in fine


def test_per_thousand_adds_up(run, toy):
    table = next(
        block for block in document(run, toy.card, "en").section("summary").blocks if isinstance(block, Table)
    )
    for row in table.rows:
        acted, found, needless, missed = map(int, row.cells[1:])
        assert acted == pytest.approx(found + needless, abs=1)
        assert found + missed == pytest.approx(1000 * run.events / run.rows, abs=60)
    assert table.rows[-1].cells[1] == "1000"


def test_the_card_chooses_the_thresholds_that_are_shown(run, toy):
    texts = {
        language: {**said, "setting.from": "From here", "setting.from.help": "Help"}
        for language, said in toy.card.texts.items()
    }
    card = msgspec.structs.replace(toy.card, settings=(Setting("from", 0.35, 0.1, 0.9),), texts=texts)
    table = next(
        block for block in document(run, card, "en").section("summary").blocks if isinstance(block, Table)
    )
    assert "Model: From here (35%)" in [row.cells[0] for row in table.rows]
    at = next(row.at for row in table.rows if "From here" in row.cells[0])
    assert run.thresholds[int(at[11:-1])].probability == 0.35


def test_the_nearest_threshold_of_none_is_none(run):
    assert nearest((), 0.3) is None
    assert run.thresholds[nearest(run.thresholds, 0.0)].probability == run.thresholds[0].probability


def test_the_tiles_have_their_interval_below_them(run, toy):
    tiles = next(
        block for block in document(run, toy.card, "en").section("summary").blocks if isinstance(block, Tiles)
    )
    assert tiles.tiles[0].value.text == str(run.patients)
    assert all("(" not in tile.value.text for tile in tiles.tiles)
    assert "95% interval" in tiles.tiles[1].note
