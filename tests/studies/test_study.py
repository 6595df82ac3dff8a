"""Study files: what they may say, and every mistake with file, line and key."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.schema import ScenarioError
from scenarios.studies.axes import DISTRIBUTIONS, Axis
from scenarios.studies.study import CORNERS, Study, _corners, load_study

HEAD = "study: 1\nscenario: nist4_tmtp\noutputs: [diameter]\n"


def study(tmp_path: Path, text: str, head: str = HEAD) -> Study:
    path = tmp_path / "s.yaml"
    path.write_text(head + text)
    return load_study(path)


def overrides(found: Study) -> list[dict[str, Any]]:
    return [point.overrides for point in found.points()]


# --- axes ------------------------------------------------------------------------------------------------------------


def test_a_grid_of_a_list_and_a_range(tmp_path: Path) -> None:
    """The last axis fastest; quantities become SI."""
    found = study(
        tmp_path,
        """axes:
  alpha: {path: balance.magnet.temperature_coefficient, values: [-1e-4, -10 ppm/K]}
  p: {path: balance.scale, from: 0.25, to: 1, points: 3, spacing: log}
""",
    )
    assert found.shape == (2, 3) and found.size == 6 and found.name == "s"
    assert [o["balance.magnet.temperature_coefficient"] for o in overrides(found)] == pytest.approx(
        [-1e-4] * 3 + [-1e-5] * 3
    )
    assert [o["balance.scale"] for o in overrides(found)] == pytest.approx([0.25, 0.5, 1.0] * 2)
    assert found.axes[0].units == ("1/K",)


def test_variants_and_linked_parameters(tmp_path: Path) -> None:
    found = study(
        tmp_path,
        """set: {balance.coil.resistance: 90 ohm}
axes:
  pair: {linked: {balance.scale: [0.5, 1], campaign.cycles: [2, 4]}}
  both: {path: [balance.coil.expansion, balance.magnet.temperature_coefficient], values: [0, 1e-6]}
variants:
  smco: {balance.magnet.material: SmCo}
  ndfeb: {balance.magnet.material: NdFeB}
""",
    )
    assert found.shape == (2, 2, 2)
    rows = overrides(found)
    assert [row["balance.magnet.material"] for row in rows] == ["SmCo"] * 4 + ["NdFeB"] * 4
    assert {(row["balance.scale"], row["campaign.cycles"]) for row in rows} == {(0.5, 2), (1, 4)}
    assert all(row["balance.coil.expansion"] == row["balance.magnet.temperature_coefficient"] for row in rows)
    assert found.base.scenario.resolved["balance"]["coil"]["resistance"] == 90.0


@pytest.mark.parametrize("method", ["sobol", "lhs", "random"])
def test_samples(method: str, tmp_path: Path) -> None:
    """As many as asked for, in their ranges, and the same again with the same seed."""
    text = f"""axes:
  p: {{path: balance.scale, from: 0.25, to: 1, spacing: log}}
  h: {{path: balance.thermal_mass.film_coefficient, distribution: normal, mean: 10 W/(m^2*K), sd: 1}}
  material: {{path: balance.magnet.material, values: [SmCo, NdFeB]}}
sampling: {{method: {method}, points: 64}}
"""
    one, other = (overrides(study(tmp_path, text)) for _ in range(2))
    assert one == other and len(one) == 64
    p, h = (np.array([row[path] for row in one]) for path in ("balance.scale", "balance.thermal_mass.film_coefficient"))
    assert p.min() >= 0.25 and p.max() <= 1.0
    if method != "random":
        assert np.sum(p < 0.5) == 32  # half of the range on a logarithmic scale
        assert h.mean() == pytest.approx(10.0, abs=0.1) and h.std() == pytest.approx(1.0, abs=0.1)
        assert sum(row["balance.magnet.material"] == "SmCo" for row in one) == pytest.approx(32, abs=4)


NUMBERS = {"low": 1.0, "high": 3.0, "mode": 1.5, "mean": 2.0, "sd": 0.5, "median": 2.0, "sigma": 0.3}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@settings(deadline=None)
@given(share=st.floats(1e-6, 1 - 1e-6))
def test_quantiles_are_those_of_scipy(name: str, share: float) -> None:
    from scipy import stats

    n = NUMBERS
    known = {
        "uniform": stats.uniform(1.0, 2.0),
        "normal": stats.norm(2.0, 0.5),
        "lognormal": stats.lognorm(n["sigma"], scale=n["median"]),
        "triangular": stats.triang(0.25, 1.0, 2.0),
    }[name]
    found = Axis("x", ("a",), ("1",), (), name, {key: n[key] for key in DISTRIBUTIONS[name]}).at(share)
    assert found == pytest.approx((known.ppf(share),), rel=1e-9)


def test_points_are_not_held(tmp_path: Path) -> None:
    """A hundred million of them are a number until somebody asks."""
    axes = "".join(
        f"  {name}: {{path: balance.{path}, from: 0.5, to: 1, points: 10000}}\n"
        for name, path in (("p", "scale"), ("t", "test_mass.mass"))
    )
    found = study(tmp_path, f"axes:\n{axes}")
    assert found.size == 10**8
    assert next(found.points()).overrides == {"balance.scale": 0.5, "balance.test_mass.mass": 0.5}


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("axis: {}\n", 4, "unknown key 'axis'; did you mean 'axes'?"),
        ("axes:\n  p: {path: balance.scael, values: [1]}\n", 5, "axes.p: balance.scael"),
        ("axes:\n  p: {path: balance.coil.resistanc, values: [1]}\n", 5, "unknown key 'resistanc'"),
        (
            "axes:\n  p: {path: balance.coil.resistance, values: [1 V]}\n",
            5,
            "axes.p.values: expected a quantity in ohm",
        ),
        ("axes:\n  p:\n    path: balance.scale\n    values: [1, -1]\n", 5, "must be greater than 0 (got -1)"),
        ("axes:\n  p: {path: balance.scale, values: []}\n", 5, "at least 1 items"),
        ("axes:\n  p: {path: balance.scale}\n", 5, "expected one of values, from and to, distribution, linked"),
        ("axes:\n  p: {path: balance.scale, from: 0.2, to: 1}\n", 5, "missing key 'points'"),
        ("axes:\n  p: {path: balance.scale, from: 1, to: 0.2, points: 3}\n", 5, "axes.p.to: expected more than 1"),
        ("axes:\n  p: {path: balance.scale, from: 0.1, points: 3}\n", 5, "expected both from and to"),
        ("axes:\n  p: {path: balance.scale, distribution: normal, mean: 1}\n", 5, "needs sd"),
        ("axes:\n  p: {path: balance.scale, distribution: normal, mean: 1, sd: 0.1}\n", 5, "is not for a grid"),
        ("axes:\n  p: {linked: {balance.scale: [1], seed: [1, 2]}}\n", 5, "lists of equal length"),
        ("axes:\n  p: {path: campaign.cycles, from: 1, to: 4, points: 3}\n", 5, "expected a whole number, not 2.5"),
        ("axes:\n  p: {path: balance.magnet.material, from: 1, to: 4, points: 3}\n", 5, "is no quantity"),
        ("axes:\n  variant: {path: balance.scale, values: [1]}\n", 5, "means something else"),
        ("axes:\n  a: {path: seed, values: [1]}\n  b: {path: seed, values: [2]}\n", 6, "varied by 'a' already"),
        ("variants:\n  a: {balance.magnet.material: Iron}\n", 5, "variants.a.balance.magnet.material"),
        ("set:\n  balance.scale: 1 kg\n", 5, "expected a quantity in 1"),
        ("axes:\n  p: {path: seed, values: [1]}\nsampling: {method: lhs}\n", 6, "missing key 'points'"),
        ("axes:\n  p: {path: seed, values: [1]}\nsampling: {method: sobol, points: 7}\n", 6, "a power of 2"),
    ],
)
def test_a_mistake_has_its_line(text: str, line: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        study(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 's.yaml'}:{line}: ")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("scenario: nist4_tmtp\noutputs: [u]\n", "study: expected study: 1"),
        ("study: 1\nscenario: nist5\noutputs: [u]\n", ":2: scenario: nist5: no shipped scenario"),
        ("study: 1\nscenario: nist4_tmtp\noutputs: [epsilom]\n", "no output 'epsilom'; did you mean 'epsilon'?"),
        ("study: 1\nscenario: nist4_tmtp\noutputs: [u, u]\n", "'u' is there twice"),
        ("study: 1\nscenario: nist4_tmtp\n", "missing key 'outputs'"),
    ],
)
def test_a_wrong_head(head: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        study(tmp_path, "", head)
    assert message in str(caught.value)


def test_the_corners_are_validated(tmp_path: Path) -> None:
    """Two values that are allowed alone and not together are found before anything runs."""
    text = """axes:
  start: {path: campaign.weighing.window_start, values: [75 s, 110 s]}
  end: {path: campaign.weighing.window_end, values: [135 s, 100 s]}
"""
    with pytest.raises(ScenarioError, match="window_start < window_end"):
        study(tmp_path, text)


def test_every_listed_value_is_validated(tmp_path: Path) -> None:
    """However long the list is, and whichever of it is wrong."""
    values: list[float] = [0.5 + 1e-3 * i for i in range(400)]
    values[1] = -1
    with pytest.raises(ScenarioError, match=r"s.yaml:5: axes.p: .*must be greater than 0 \(got -1\)"):
        study(tmp_path, f"axes:\n  p: {{path: balance.scale, values: {values}}}\n")


def test_the_twin_is_built_at_the_corners(tmp_path: Path) -> None:
    """What the analysis cannot use together is found there, though each value may be set."""
    text = """axes:
  periods: {path: thermal.periods, values: [1, 4]}
  cycles: {path: campaign.cycles, values: [4, 2]}
"""
    with pytest.raises(ScenarioError, match=r"s.yaml:4: axes: .*must not be more than the 2 cycles"):
        study(tmp_path, text)


@pytest.mark.parametrize("axes", [0, 2, 7, 80])
def test_corners_are_spread_over_all_axes(axes: int) -> None:
    """The first and the last of all, and each axis at both of its ends."""
    found = list(_corners([[(0,), (1,), (2,)]] * axes))
    assert len(found) == min(2**axes, CORNERS) and len(set(map(tuple, found))) == len(found)
    assert found[0] == [(0,)] * axes and found[-1] == [(2,)] * axes
    assert all({corner[i] for corner in found} == {(0,), (2,)} for i in range(axes))


@pytest.mark.parametrize(
    ("scenario", "text", "message"),
    [
        ("nist4_noise", "outputs: [diameter, mass]\n", "3: outputs.1: there is no mass: nist4_noise: its campaign rep"),
        ("nist4_noise", "outputs: [epsilon]\n", "3: outputs.0: there is no epsilon: nist4_noise: its campaign weighs"),
        ("nist4_tmtp", "outputs: [epsilon]\nset: {thermal.start: ambient}\n", "it starts at ambient"),
        (
            "nist4_tmtp",
            "outputs: [epsilon]\nvariants: {a: {}, b: {balance.environment.temperature_drift: 1e-6 K/s}}\n",
            "there is no epsilon in the variant 'b': nist4_tmtp: the temperature of the room changes",
        ),
        ("nist4_noise", 'outputs: [diameter]\nobjectives: ["|epsilon|"]\n', "4: objectives: there is no epsilon"),
    ],
)
def test_an_output_that_no_point_has(scenario: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        study(tmp_path, text, f"study: 1\nscenario: {scenario}\n")
    assert message in str(caught.value)


def test_an_output_that_some_points_have_is_no_mistake(tmp_path: Path) -> None:
    text = "axes:\n  d: {path: balance.environment.temperature_drift, values: [1e-6 K/s, 0]}\n"
    assert study(tmp_path, text, HEAD.replace("diameter", "epsilon")).size == 2


def test_a_scenario_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("schema: 1\nextends: nist4_tmtp\nseed: 7\n")
    found = study(tmp_path, "", "study: 1\nscenario: own.yaml\noutputs: [diameter]\n")
    assert found.base.scenario.seed == 7 and found.size == 1 and math.prod(found.shape) == 1
