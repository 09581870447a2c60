"""Charts: golden drawings, and what every drawing promises.

After a change that is meant, write the golden files again: PUSULA_WRITE_GOLDEN=1 pytest -k golden
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from pusula.web import formats
from pusula.web.charts import axes, svg
from pusula.web.charts.axes import Point
from pusula.web.charts.band import Banded, band, curve
from pusula.web.charts.columns import columns
from pusula.web.charts.effect import Effect, effect
from pusula.web.charts.figure import TONES, WIDTHS
from pusula.web.charts.heat import heat, level
from pusula.web.charts.line import line, spark
from pusula.web.charts.sankey import Group, sankey
from pusula.web.charts.treemap import Tile, squarify, treemap

GOLDEN = Path(__file__).parent / "golden"
CSS = Path(__file__).parents[2] / "src/pusula/web/static/web/css/app.css"


@pytest.fixture(autouse=True)
def _turkish():
    with translation.override("tr"):
        yield


def weeks():
    values = (8_120, 8_210, 8_300, 8_360, 8_290, 8_150, 8_090, 8_034)
    return [Point(f"{n} Kas", f"{n} Kas 2026", value) for n, value in enumerate(values, start=1)]


def a_line():
    return line(weeks(), sentence="Sekiz haftada küçüldü", head=("Hafta", "Müşteri"))


def some_columns():
    return columns(weeks(), sentence="Haftalık gelir", head=("Hafta", "Gelir"))


def a_treemap():
    tiles = [
        Tile("Uykuda", 41_890, "none", "/rfm/1/people/?group=hibernating"),
        Tile("Riskli & <kayıp>", 38_240, "c2", "/rfm/1/people/?r=1&f=2"),
        Tile("Sadık", 31_840, "c1", "/x"),
        Tile("Şampiyonlar", 14_210, "c1", "/x"),
        Tile("Kaçırılmamalı", 320, "c2", "/x"),
        Tile("Boş", 0, "c3", "/x"),
    ]
    return treemap(tiles, sentence="RFM gruplarının büyüklüğü", head=("Grup", "Müşteri", "Pay"))


def a_sankey():
    groups = [
        Group("a", "Şampiyonlar", "c1"),
        Group("b", "Riskli", "c2"),
        Group("c", "Uykuda", "none"),
    ]
    flows = {("a", "a"): 9_800, ("a", "b"): 1_510, ("b", "b"): 24_900, ("b", "c"): 11_140}
    return sankey(
        groups,
        flows,
        sentence="Ekim – Kasım",
        sides=("Ekim", "Kasım"),
        head=("Önce", "Sonra", "Müşteri"),
    )


def an_effect():
    effects = [Effect("Rezervasyon", 0.9, 2.1, 3.3), Effect("Gelir", -1.2, 0.4, 2.0)]
    return effect(
        effects,
        sentence="Kontrol grubuna göre fark",
        head=("Ne", "Alt", "Tahmin", "Üst"),
        form=lambda value: f"{formats.number(value, 1)} puan",
    )


def a_band():
    looks = [
        Banded(f"{day} Mar", f"{day} Mart", low, value, high)
        for day, low, value, high in ((1, -1.5, 0.2, 1.9), (2, -0.4, 0.9, 2.2), (3, 0.1, 1.1, 2.1))
    ]
    return band(
        looks,
        sentence="Her bakışta geçerli olan aralık",
        head=("Bakış", "Alt", "Tahmin", "Üst"),
        form=lambda value: f"{formats.number(value, 1)} puan",
    )


def a_curve():
    return curve(
        [Point(f"{i} puan", f"{i} puan", share) for i, share in enumerate((0.05, 0.4, 0.9))],
        sentence="Bir etkinin bulunma olasılığı",
        head=("Etki", "Olasılık"),
        form=lambda share: formats.percent(share, 0),
    )


FIGURES = {
    "band": a_band,
    "curve": a_curve,
    "columns": some_columns,
    "effect": an_effect,
    "line": a_line,
    "sankey": a_sankey,
    "treemap": a_treemap,
}


def parsed(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314 - our own drawing


@pytest.mark.parametrize("name", FIGURES)
def test_drawings_equal_their_golden_files(name):
    drawn = FIGURES[name]().drawings[1]
    file = GOLDEN / f"{name}.svg"
    if os.environ.get("PUSULA_WRITE_GOLDEN"):
        file.write_text(drawn + "\n", encoding="utf-8")
    assert drawn + "\n" == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_wellformed_in_every_width_and_says_what_it_shows(name):
    figure = FIGURES[name]()
    assert len(figure.drawings) == len(WIDTHS)
    for width, drawing in zip(WIDTHS, figure.drawings, strict=True):
        root = parsed(drawing)
        assert root.get("class") == f"draw--{width}"
        assert root.get("aria-label")
        assert float(root.get("viewBox").split()[2]) == width
        assert "style=" not in drawing


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_drawn_outside_of_its_drawing(name):
    for width, drawing in zip(WIDTHS, FIGURES[name]().drawings, strict=True):
        for element in parsed(drawing).iter():
            for attribute in ("x", "x1", "x2", "cx"):
                value = float(element.get(attribute, 0))
                assert 0 <= value <= width, (element.tag, attribute)


@pytest.mark.parametrize("name", FIGURES)
def test_the_table_has_the_head_it_was_given_and_a_row_for_everything(name):
    table = FIGURES[name]().table
    assert {len(row) for row in table.rows} == {len(table.head)}


@pytest.mark.parametrize("name", ["line", "columns"])
def test_the_cursor_knows_every_point_in_words(name):
    root = parsed(FIGURES[name]().drawings[0])
    points = json.loads(root.get("data-points"))
    assert [point[2:] for point in points] == [
        [point.name, formats.number(point.value)] for point in weeks()
    ]


def test_a_line_is_filled_only_when_its_axis_starts_at_zero():
    assert "chart__area" not in a_line().drawings[0]
    from_zero = line([Point("a", "a", 1), Point("b", "b", 90)], sentence="s", head=("a", "b"))
    assert "chart__area" in from_zero.drawings[0]


@pytest.mark.parametrize("values", [(5, 5), (0, 0), (-3, 4), (0.001, 0.002)])
def test_flat_negative_and_tiny_lines_can_be_drawn(values):
    points = [Point(str(i), str(i), value) for i, value in enumerate(values)]
    assert "NaN" not in line(points, sentence="s", head=("a", "b")).drawings[0]


def test_a_spark_needs_two_values():
    assert spark([3]) == ""
    assert 'aria-hidden="true"' in spark([3, 4, 2])


def test_words_from_outside_are_escaped():
    assert "Riskli &amp; &lt;" in a_treemap().drawings[-1]
    assert "<kayıp>" not in a_treemap().drawings[-1]


def test_an_empty_tile_is_in_the_table_and_not_in_the_drawing():
    figure = a_treemap()
    assert ("Boş", "0", "%0,0") in figure.table.rows
    assert "Boş" not in figure.drawings[-1]


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=14),
    st.floats(50, 1_000),
    st.floats(50, 1_000),
)
def test_squarified_boxes_keep_their_areas_and_stay_inside(values, width, height):
    values.sort(reverse=True)
    boxes = squarify(values, width, height)
    scale = width * height / sum(values)
    for value, (x, y, w, h) in zip(values, boxes, strict=True):
        assert w * h == pytest.approx(value * scale, rel=1e-6)
        assert x > -1e-6
        assert y > -1e-6
        assert x + w < width + 1e-6
        assert y + h < height + 1e-6


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.integers(2, 8))
def test_ticks_are_few_and_enclose_what_is_drawn(a, b, n):
    low, high = min(a, b), max(a, b)
    ticks = axes.nice_ticks(low, high, n)
    span = max(high - low, 1)
    assert ticks[0] <= low + span * 1e-6
    assert ticks[-1] >= high - span * 1e-6
    assert 2 <= len(ticks) <= n + 3


@pytest.mark.parametrize(
    ("low", "high", "is_sure"), [(0.1, 2, True), (-2, -0.1, True), (-0.1, 2, False), (0, 2, False)]
)
def test_an_effect_is_sure_only_if_its_interval_leaves_zero_out(low, high, is_sure):
    assert Effect("x", low, (low + high) / 2, high).is_sure is is_sure


def test_the_grid_names_each_cell_by_row_and_column():
    grid = heat(
        [[1, 60], [30, 0]],
        rows=("S2", "S1"),
        columns=("Y1", "Y2"),
        corner="Sıklık",
        href=lambda i, j: f"/{i}/{j}",
    )
    assert grid.rows[0].cells[1].label == "S2, Y2"
    assert grid.rows[0].cells[1].href == "/0/1"
    assert [cell.level for row in grid.rows for cell in row.cells] == [0, 5, 3, 0]


def test_a_grid_of_nothing_is_all_light():
    assert level(0, 0) == 0


def test_coordinates_are_short():
    assert svg.coordinate(12.0) == "12"
    assert svg.coordinate(12.46) == "12.5"


def test_clipped_words_end_in_an_ellipsis():
    assert svg.clip("Kaybedilmek üzere", 60) == "Kaybedi…"
    assert svg.clip("Riskli", 60) == "Riskli"


def test_the_stylesheet_has_every_width_and_tone():
    css = CSS.read_text(encoding="utf-8")
    for width in WIDTHS:
        assert f".draw--{width}" in css
    for tone in TONES:
        assert f".tile--{tone} " in css or tone == "none"
