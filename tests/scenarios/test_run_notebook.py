"""How numbers, results, scenarios and graphs show themselves."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest

import scenarios
from scenarios.run.notebook import duration, relative, result_text, with_prefix, with_uncertainty


@pytest.mark.parametrize(
    ("value", "u", "text"),
    [
        (0.99999924107, 7.7322e-7, "0.999 999 24(77) kg"),
        (1.0, 9.96e-9, "1.000 000 000(10) kg"),
        (1.0, 9.94e-9, "1.000 000 000 0(99) kg"),
        (0.1, 4.8e-9, "0.100 000 000 0(48) kg"),
        (-12.345, 4.5, "−12.3(4.5) kg"),
        (1234567.0, 96.0, "1 234 567(96) kg"),
        (1399.9754736, 4.06e-5, "1399.975 474(41) kg"),
        (1.0, 0.0, "1 kg"),
        (0.25, None, "0.25 kg"),
        (1.0, math.nan, "1 kg"),
    ],
)
def test_value_with_uncertainty(value: float, u: float | None, text: str) -> None:
    """Two digits of the uncertainty, in units of the last digit of the value."""
    assert with_uncertainty(value, u, "kg") == text


def test_numbers() -> None:
    """Prefixes, relative deviations, durations."""
    assert [with_prefix(x, "K") for x in (3.266e-3, -7.45e-4, 0.0, 1.0, 999.9, 1e-14)] == [
        "3.27 mK",
        "−745 µK",
        "0 K",
        "1.00 K",
        "1000 K",
        "1.0 × 10⁻¹⁴ K",
    ]
    assert [with_prefix(x, "1") for x in (0.0976, -3.0, 0.0, 2e-7)] == ["0.0976", "−3.00", "0", "2.0 × 10⁻⁷"]
    assert [relative(x) for x in (-7.589e-7, 1e-3, 2.25e-8, 1.1e-16, 0.0)] == [
        "−0.759 ppm",
        "1000 ppm",
        "22.5 × 10⁻⁹",
        "1.1 × 10⁻¹⁶",
        "0 ppm",
    ]
    assert [duration(s) for s in (28800, 5400, 180, 59.04, 1.53, 0.05)] == [
        "8 h",
        "1.5 h",
        "3 min",
        "59.04 s",
        "1.5 s",
        "0.05 s",
    ]


def test_result() -> None:
    """Text and HTML have the same facts; a balance without heating has no delay."""
    result = scenarios.load("kbmini_tmtp", ["campaign.cycles=1", "campaign.velocity.cycles=20"]).run()
    text, html = repr(result), result._repr_html_()
    assert text.startswith("kbmini_tmtp: tmtp, seed 1, ") and len(text.splitlines()) == 10
    table = ElementTree.fromstring(html)
    for line, row in zip(text.splitlines()[1:], table.iter("tr"), strict=True):
        assert all((cell.text or "") in line for cell in row)
    summary = result.summary()
    assert "delay = none" in result_text({**summary, "thermal": {**summary["thermal"], "delay_s": None}})
    assert "δT" not in result_text({**summary, "thermal": None})


def test_scenario_and_graph() -> None:
    """A few lines; the notebook can unfold all values, and draws the graph."""
    experiment = scenarios.load("kbmini_tmtp")
    assert repr(experiment).splitlines()[:2] == [
        "kbmini_tmtp",
        "  balance   KBmini at scale 0.25; 25 components, 64 connections",
    ]
    html = experiment._repr_html_()
    assert "test_mass.gravity" in html and "8 h" in html and "<pre>" in html
    graph = experiment.graph()
    assert repr(graph) == (
        "<Graph: 25 components, 64 connections; loop of circuit, coil, current_source, magnet, servo, thermal_mass>"
    )
    assert graph._repr_html_().startswith("<svg")
