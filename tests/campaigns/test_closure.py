"""With every effect off and no noise a campaign returns the true mass, and Bl."""

from __future__ import annotations

from typing import Any

import pytest

import scenarios
from scenarios.run.experiment import Experiment
from scenarios.run.result import Result
from tests.campaigns.runs import SHORT, short

CLOSURE = 1e-12
NAMES = list(SHORT)


def closes(experiment: Experiment) -> Result:
    result = experiment.run()
    assert abs(result.relative_error) < CLOSURE
    assert abs(result.mass.bl_Tm / result.true.bl_Tm - 1) < CLOSURE
    return result


@pytest.mark.parametrize("mass", [1.0, 0.1, 1e-3])
@pytest.mark.parametrize("name", NAMES)
def test_every_balance_at_every_mass(name: str, mass: float) -> None:
    assert closes(short(name, balance__test_mass__mass=mass).ideal()).true.mass_kg == mass


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_campaign(name: str) -> None:
    closes(scenarios.load(name).ideal())


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.7])
@pytest.mark.parametrize("name", ["kbmini_tmtp", "nist4_tmtp"])
def test_at_other_sizes(name: str, scale: float) -> None:
    closes(short(name, balance__scale=scale).ideal())


@pytest.mark.parametrize("scheme", ["aba", "abba", "polynomial"])
@pytest.mark.parametrize("name", ["kbmini_tmtp", "nist4_tmtp_ramped"])
def test_every_weighing_scheme(name: str, scheme: str) -> None:
    closes(short(name, reduction__weighing_scheme=scheme).ideal())


@pytest.mark.parametrize("order", [0, 1, 3])
def test_every_drift_order(order: int) -> None:
    closes(short("nist4_tmtp", reduction__drift_order=order).ideal())


@pytest.mark.parametrize(
    "profile",
    [[], [0.5], [0.5, -8.0], [-0.5, -8.0, 300.0], [0.5, 8.0, -300.0, 1e4]],
    ids=["flat", "linear", "quadratic", "cubic", "quartic"],
)
def test_every_order_of_the_profile_away_from_the_centre(profile: list[float]) -> None:
    # profile_order has to hold the profile; odd and even orders, the weighing position off the centre
    for name, z in (("kbmini_tmtp", 2e-5), ("tsinghua_tmtp", 2e-3)):
        keys: dict[str, Any] = {"balance__magnet__profile": profile, "balance__flexure__weighing_position": z}
        closes(short(name, **keys, reduction__profile_order=max(len(profile), 1)).ideal())


@pytest.mark.parametrize("what", ["table", "profile_file"])
def test_a_tabulated_profile(tmp_path: Any, what: str) -> None:
    points = [(z, 400.0 * (1 + 0.4 * z - 6.0 * z**2)) for z in (-0.02, -0.01, 0.0, 0.01, 0.02)]
    value: Any = points
    if what == "profile_file":
        value = str(tmp_path / "profile.csv")
        (tmp_path / "profile.csv").write_text("".join(f"{z!r},{bl!r}\n" for z, bl in points), encoding="utf-8")
    keys = {"balance__magnet__profile": None, "balance__magnet__bl": None, f"balance__magnet__{what}": value}
    closes(short("tsinghua_tmtp", **keys, balance__flexure__weighing_position=1e-3).ideal())


@pytest.mark.parametrize(
    "keys",
    [
        {"balance__test_mass__tare_fraction": 0.3},
        {"balance__flexure__stiffness": 100.0, "balance__flexure__weighing_position": 1e-4},
        {"balance__environment__gravity": 9.78},
        {"balance__coil__inductance": 50.0},
        {"campaign__weighing__ramp": 20.0},
        {
            "campaign__weighing__window_end": 150.0,
            "campaign__weighing__current": "ramped",
            "campaign__weighing__ramp": 30.0,
        },
        {"campaign__weighing__count": 4, "balance__flexure__compliance": 1e-7},
        {"campaign__weighing__count": 5, "balance__flexure__compliance": 1e-7},
        {"campaign__velocity__harmonics": [1]},
        {"campaign__velocity__frequency": 0.5, "campaign__velocity__velocity": 8e-4},
        {"reduction__bl_interpolation": "polynomial", "reduction__bl_drift_order": 1},
    ],
    ids=lambda keys: ", ".join(key.rpartition("__")[2] for key in keys),
)
def test_what_is_no_effect_on_the_mass(keys: dict[str, Any]) -> None:
    balance = {key: value for key, value in keys.items() if not key.startswith("balance__flexure")}
    flexure = {key.replace("__", "."): value for key, value in keys.items() if key.startswith("balance__flexure")}
    closes(short("kbmini_tmtp", **balance).ideal().with_(flexure))


@pytest.mark.parametrize(("name", "within"), [("kbmini", 1e-12), ("nist4", 1e-9), ("tsinghua", 1e-8)])
def test_a_magnet_that_was_computed_closes_as_well_as_a_polynomial_holds_it(name: str, within: float) -> None:
    """The sweeps of NIST-4 and Tsinghua reach where the field falls off; two orders alone would leave 6e-6."""
    magnet = {"balance.magnet.geometry": name, "balance.magnet.bl": None, "balance.magnet.profile": None}
    computed = scenarios.load(f"{name}_tmtp").ideal().with_({**magnet, "campaign.cycles": 1})
    assert abs(computed.run().relative_error) < within
    if name != "kbmini":
        plain = computed.with_({"reduction.highest_profile_order": 0}).run()
        assert abs(plain.relative_error) > 1e-6
