"""What is said about a parameter's uncertainty, and the errors drawn from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from twin.component import Component
from twin.noise import Streams
from twin.parameter import parameter


class Part(Component):
    resistance: float = parameter("ohm", 1e3)
    temperature: float = parameter("K", 293.15)
    gain: float = parameter("1", 0.0, neutral=0.0)
    label: str = "x"


@pytest.mark.parametrize(
    ("key", "given", "standard"),
    [
        ("resistance", 0.5, 0.5),
        ("resistance", "5 mohm", 5e-3),
        ("resistance", "0.1 ppm", 1e-4),
        ("resistance", {"size": "0.1 ppm", "confidence": 0.99}, 1e-4 / 2.5758293035489),
        ("resistance", {"size": 2e-4, "coverage_factor": 2}, 1e-4),
        ("resistance", {"size": "0.2 ppm", "confidence": 0.95, "dof": 5}, 2e-4 / 2.5705818356),
        ("resistance", {"size": "0.2 ppm", "confidence": 0.95, "dof": 1e6}, 2e-4 / 1.959966356814),
        ("temperature", "2 degC", 2.0),
        ("temperature", {"size": "30 mK", "distribution": "rectangular"}, 0.03 / math.sqrt(3)),
        ("temperature", {"size": 0.03, "distribution": "triangular"}, 0.03 / math.sqrt(6)),
        ("gain", "0.3 ppm", 3e-7),
        ("gain", {"size": 3e-7}, 3e-7),
    ],
)
def test_standard_uncertainty(key: str, given: Any, standard: float) -> None:
    part = Part(uncertainties={key: given})
    assert part.standard_uncertainty(key) == pytest.approx(standard, rel=1e-9)
    again = Part(**part.model_dump(mode="json"))
    assert again == part


def test_a_relative_one_follows_the_value() -> None:
    part = Part(resistance=100.0, uncertainties={"resistance": "1 ppm"})
    assert part.standard_uncertainty("resistance") == pytest.approx(1e-4)
    assert part.model_copy(update={"resistance": 1e4}).standard_uncertainty("resistance") == pytest.approx(1e-2)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"resistence": 1}, "expected the name of one of its parameters"),
        ({"label": 1}, "expected the name of one of its parameters"),
        ({"resistance": "1 V"}, "or a ratio"),
        ({"resistance": -1.0}, "greater than or equal to 0"),
        ({"gain": {"size": 1e-6, "distribution": "rectangular", "confidence": 0.9}}, "its size is a bound"),
        ({"gain": {"size": 1e-6, "confidence": 95}}, "less than 1"),
        ({"gain": {"size": 1e-6, "confidence": 0.95, "coverage_factor": 2}}, "either a confidence or a coverage"),
        ({"gain": {"size": 1e-6, "distribution": "triangular", "coverage_factor": 2}}, "its size is a bound"),
        ({"gain": {"size": 1e-6, "dof": 0.5}}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Part(uncertainties=given)


def test_errors_follow_the_distribution() -> None:
    stated = {"resistance": {"size": "3 ppm", "distribution": "rectangular"}, "gain": "1 ppm"}
    parts = [Part(uncertainties=stated).named("r").drawn(Streams(seed)) for seed in range(4000)]
    errors = np.array([p.resistance for p in parts]) - 1e3
    assert np.abs(errors).max() <= 3e-3
    assert errors.std() == pytest.approx(3e-3 / math.sqrt(3), rel=0.04)
    gains = np.array([p.gain for p in parts])
    assert gains.std() == pytest.approx(1e-6, rel=0.05)
    assert abs(gains.mean()) < 4 * 1e-6 / math.sqrt(4000)
    assert abs(np.corrcoef(errors, gains)[0, 1]) < 0.07


def test_an_error_depends_on_seed_and_names_alone() -> None:
    one = Part(uncertainties={"gain": "1 ppm"}).named("r").drawn(Streams(5))
    both = Part(uncertainties={"resistance": "1 ppm", "gain": "1 ppm"}).named("r").drawn(Streams(5))
    other = Part(uncertainties={"gain": "1 ppm"}).named("s").drawn(Streams(5))
    assert one.gain == both.gain != other.gain
    assert one.name == "r"


def test_ideal_parts_have_none() -> None:
    part = Part(uncertainties={"gain": "1 ppm"}, gain=1e-6).ideal()
    assert part.uncertainties == {}
    assert part.drawn(Streams(1)) is part
