"""The thermal mass, network or geometry: scaling laws, conservation of energy, reciprocity, steady state; refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.fields.heat import heat_model
from components.fields.named import named_geometry
from components.thermal_mass import Link, ThermalMass
from tests.components.bench import bench

CHAIN = ThermalMass(
    capacities={"coil": 1875.0, "yoke": 64260.0, "magnet": 33780.0, "caps": 186900.0},
    links=[
        Link(between=("coil", "yoke"), conductance=0.41),
        Link(between=("yoke", "magnet"), conductance=180.0),
        Link(between=("magnet", "caps"), conductance=160.0),
    ],
    film_areas={"caps": 1.4},
)
TIMES = np.array([0.0, 60.0, 900.0, 7200.0, 86400.0])


def rises(mass: ThermalMass, times: Any, power: float = 0.0, ambient: float = 0.0) -> tuple[Any, Any]:
    """Temperatures of magnet and coil at the times (s)."""
    twin = bench(mass, power=power, ambient_rise=ambient)
    return tuple(twin.signal(f"part.{of}_temperature_rise")(times) for of in ("magnet", "coil"))


@st.composite
def networks(draw: st.DrawFn, film: bool = True) -> ThermalMass:
    """Any connected network of up to six nodes."""
    n = draw(st.integers(2, 6))
    sizes = st.floats(1.0, 1e3)
    names = [f"n{k}" for k in range(n)]
    links = [Link(between=(names[draw(st.integers(0, k - 1))], names[k]), conductance=draw(sizes)) for k in range(1, n)]
    if draw(st.booleans()):
        links.append(Link(between=(names[0], names[-1]), conductance=draw(sizes)))
    cooled = draw(st.lists(st.sampled_from(names), min_size=1, unique=True)) if film else []
    return ThermalMass(
        capacities={name: draw(sizes) for name in names},
        links=links,
        film_areas={name: draw(st.floats(0.01, 10.0)) for name in cooled},
        film_coefficient=draw(st.floats(1.0, 30.0)) if film else 0.0,
        heated=draw(st.sampled_from(names)),
        magnet=draw(st.lists(st.sampled_from(names), min_size=1, unique=True)),
    )


# --- the law ---------------------------------------------------------------------------------------------------------


def test_one_node_warms_exponentially() -> None:
    """C = 500 J/K, h A = 2 W/K, 3 W: 1.5 K with a time constant of 250 s."""
    mass = ThermalMass(
        capacities={"all": 500.0},
        links=[],
        film_areas={"all": 0.2},
        film_coefficient=10.0,
        heated="all",
        magnet=["all"],
    )
    magnet, coil = rises(mass, TIMES, power=3.0)
    assert magnet == pytest.approx(1.5 * -np.expm1(-TIMES / 250.0), rel=1e-13, abs=1e-15)
    assert np.array_equal(coil, magnet)


def test_two_nodes_without_air_share_the_heat() -> None:
    """dx1 = (P − g (x1 − x2))/C1, dx2 = g (x1 − x2)/C2: the difference settles at P/(g (1 + C1/C2))."""
    c1, c2, g = 100.0, 300.0, 2.0
    link = Link(between=("coil", "magnet"), conductance=g)
    mass = ThermalMass(capacities={"coil": c1, "magnet": c2}, links=[link])
    magnet, coil = rises(mass, TIMES, power=4.0)
    rate = g * (1 / c1 + 1 / c2)
    difference = 4.0 / (c1 * rate) * -np.expm1(-rate * TIMES)
    assert coil - magnet == pytest.approx(difference, rel=1e-9, abs=1e-12)
    assert c1 * coil + c2 * magnet == pytest.approx(4.0 * TIMES, rel=1e-13)


def test_the_magnet_is_the_mean_over_its_heat_capacity() -> None:
    parts = {k: rises(CHAIN.model_copy(update={"magnet": [k]}), TIMES, power=1.0)[0] for k in CHAIN.capacities}
    both = rises(CHAIN.model_copy(update={"magnet": ["magnet", "caps"]}), TIMES, power=1.0)[0]
    exact = (33780.0 * parts["magnet"] + 186900.0 * parts["caps"]) / (33780.0 + 186900.0)
    assert both == pytest.approx(exact, rel=1e-10, abs=1e-15)
    assert rises(CHAIN, TIMES, power=1.0)[1] == pytest.approx(parts["coil"], rel=1e-12)


def test_steady_state_is_power_times_the_resistances_on_the_way_out() -> None:
    magnet, coil = rises(CHAIN, 1e8, power=0.5)
    film = 1 / (10.0 * 1.4)
    assert magnet == pytest.approx(0.5 * (film + 1 / 160), rel=1e-11)
    assert coil == pytest.approx(0.5 * (film + 1 / 160 + 1 / 180 + 1 / 0.41), rel=1e-11)


def test_everything_takes_the_temperature_of_the_air() -> None:
    assert rises(CHAIN, 1e8, ambient=3.0) == (pytest.approx(3.0, rel=1e-12), pytest.approx(3.0, rel=1e-12))
    magnet, _ = rises(CHAIN, TIMES, ambient=3.0)
    assert np.all(np.diff(magnet) > 0)
    assert abs(magnet[0]) < 1e-14


@settings(deadline=None)
@given(networks(film=False))
def test_without_air_no_heat_is_lost(mass: ThermalMass) -> None:
    total = sum(mass.capacities.values())
    mean, _ = rises(mass.model_copy(update={"magnet": list(mass.capacities)}), TIMES, power=2.0)
    assert mean == pytest.approx(2.0 * TIMES / total, rel=1e-8, abs=1e-13 * 2.0 * TIMES[-1] / total)


@settings(deadline=None)
@given(networks())
def test_every_network_in_air_settles(mass: ThermalMass) -> None:
    a = np.asarray(mass.state_space().a, dtype=float)
    rates = np.linalg.eigvals(a)
    # An eigenvalue near zero is known to rounding of the largest one only.
    assert np.all(rates.real < 1e-12 * np.abs(rates).max())
    assert np.abs(rates.imag).max() < 1e-9 * np.abs(rates).max()


@settings(deadline=None)
@given(networks(), st.data())
def test_heat_at_one_node_warms_another_as_the_other_way_round(mass: ThermalMass, data: st.DataObject) -> None:
    i, j = (data.draw(st.sampled_from(list(mass.capacities))) for _ in range(2))
    there, back = (
        rises(mass.model_copy(update={"heated": a, "magnet": [b]}), TIMES, power=1.0)[0] for a, b in ((i, j), (j, i))
    )
    assert there == pytest.approx(back, rel=1e-8, abs=1e-12 * float(np.abs(there).max()))


# --- size and film ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.25, 11 / 30, 2.0])
def test_scaling_with_size(p: float) -> None:
    """Capacities p³, conduction p, film p² h: with h/p and p P the same temperatures come at p² t: all three matter."""
    small = CHAIN.scaled(p).model_copy(update={"film_coefficient": 10.0 / p})
    assert small.size == p
    for found, exact in zip(rises(small, p**2 * TIMES, power=0.3 * p), rises(CHAIN, TIMES, power=0.3), strict=True):
        assert found == pytest.approx(exact, rel=1e-9, abs=1e-15)
    magnet, _ = rises(small, p**2 * TIMES, ambient=2.0)
    assert magnet == pytest.approx(rises(CHAIN, TIMES, ambient=2.0)[0], rel=1e-9, abs=1e-15)


def test_scaling_twice_is_scaling_by_the_product() -> None:
    assert CHAIN.scaled(0.5).scaled(0.5).size == 0.25


@pytest.mark.parametrize("h", [5.0, 10.0, 20.0])
def test_the_film_cools_in_proportion_to_coefficient_area_and_size_squared(h: float) -> None:
    def steady(**changes: Any) -> float:
        caps = CHAIN.model_copy(update={"magnet": ["caps"], "film_coefficient": h, **changes})
        return float(rises(caps, 1e8, power=1.0)[0])

    assert steady() == pytest.approx(1 / (1.4 * h), rel=1e-11)
    assert steady(film_areas={"caps": 2.8}) == pytest.approx(1 / (2.8 * h), rel=1e-11)
    assert steady(size=0.5) == pytest.approx(4 / (1.4 * h), rel=1e-11)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heated": "cup"}, "not 'cup'"),
        ({"magnet": ["magnet", "ring"]}, "not 'ring'"),
        ({"magnet": []}, "at least one node"),
        ({"film_areas": {"lid": 1.0}}, "not 'lid'"),
        ({"film_areas": {"caps": -1.0}}, "film areas greater than 0"),
        ({"capacities": {**CHAIN.capacities, "coil": 0.0}}, "heat capacities greater than 0"),
        ({"links": [Link(between=("coil", "core"), conductance=1.0)]}, "not 'core'"),
        ({"links": None}, "either capacities and links, or geometry"),
        ({"capacities": None}, "either capacities and links, or geometry"),
        ({"dimensions": {"ring_height": 0.02}}, "dimensions is of a geometry, and there is none"),
        ({"sensor_position": (0.1, 0.0)}, "sensor_position is of a geometry"),
    ],
)
def test_a_network_that_does_not_hang_together_is_refused(changes: dict[str, Any], message: str) -> None:
    given_ = {"capacities": CHAIN.capacities, "links": CHAIN.links, "film_areas": CHAIN.film_areas}
    with pytest.raises(ValueError, match=message):
        ThermalMass(**{**given_, **changes})


def test_the_sensor_of_a_network_shows_the_magnet() -> None:
    twin = bench(CHAIN, power=1.0)
    rise = twin.signal("part.sensor_temperature_rise")(TIMES)
    assert np.array_equal(rise, twin.signal("part.magnet_temperature_rise")(TIMES))


# --- from a geometry -------------------------------------------------------------------------------------------------

KBMINI = ThermalMass(geometry="kbmini")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def test_a_geometry_settles_where_its_full_model_does() -> None:
    model = heat_model(named_geometry("kbmini", purpose="heat"))
    place = (0.03, 0.03)
    part = KBMINI.model_copy(update={"sensor_position": place, "film_coefficient": 7.0, "size": 0.9})
    (x,) = model.solve(0.0, 0.9 * 7.0, (model.heating,))
    twin = bench(part, power=0.03)
    for port, weights in zip(part.outputs, (model.magnet, model.coil, model.sensor(*place)), strict=True):
        assert twin.signal(f"part.{port}")(1e8) == pytest.approx(0.03 * (weights * x).sum() / 0.9, rel=1e-6), port


def test_without_a_place_the_sensor_shows_the_magnet() -> None:
    twin = bench(KBMINI, power=0.03)
    rise = twin.signal("part.sensor_temperature_rise")(TIMES)
    assert np.array_equal(rise, twin.signal("part.magnet_temperature_rise")(TIMES))


def test_a_geometry_takes_the_temperature_of_the_air() -> None:
    assert rises(KBMINI, 1e8, ambient=3.0) == (pytest.approx(3.0, rel=1e-11), pytest.approx(3.0, rel=1e-11))
    warm = KBMINI.model_copy(update={"initial_rise": 3.0})
    for rise in rises(warm, TIMES, ambient=3.0):
        assert rise == pytest.approx(3.0, rel=1e-11)


def test_a_geometry_without_air_keeps_its_heat() -> None:
    total = heat_model(named_geometry("kbmini", purpose="heat")).capacity.sum()
    closed = KBMINI.model_copy(update={"film_coefficient": 0.0})
    (early, late), _ = rises(closed, np.array([1e6, 2e6]), power=2.0)
    assert late - early == pytest.approx(2.0 * 1e6 / total, rel=1e-9)


@pytest.mark.parametrize("p", [0.25, 11 / 30])
def test_a_geometry_scales_with_size(p: float) -> None:
    small = KBMINI.scaled(p).model_copy(update={"film_coefficient": 10.0 / p})
    assert small.size == p
    for found, exact in zip(rises(small, p**2 * TIMES, power=0.3 * p), rises(KBMINI, TIMES, power=0.3), strict=True):
        assert found == pytest.approx(exact, rel=1e-8, abs=1e-10)


def test_dimensions_that_differ() -> None:
    """Half the copper in the coil: its heat capacity is half, and it warms twice as fast at first."""
    fill = named_geometry("kbmini").coil.fill
    half = ThermalMass(geometry="kbmini", dimensions={"coil.fill": fill / 2})
    early = np.array([1e-3])
    ratio = rises(half, early, power=1.0)[1] / rises(KBMINI, early, power=1.0)[1]
    assert ratio == pytest.approx(2.0, rel=1e-3)
    in_mm = ThermalMass(geometry="kbmini", dimensions={"ring_height": "21 mm"})
    in_si = ThermalMass(geometry="kbmini", dimensions={"ring_height": 0.021})
    assert rises(in_mm, TIMES, power=1.0)[0] == pytest.approx(rises(in_si, TIMES, power=1.0)[0], rel=1e-12)


def test_nist4_has_a_set_of_dimensions_for_heat() -> None:
    assert named_geometry("nist4", purpose="heat").name == "nist4_thermal"
    assert named_geometry("nist4").name == "nist4"


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"geometry": "kbmaxi"}, "expected a magnet .*kbmini.*, not 'kbmaxi'"),
        ({"geometry": "kbmini", "capacities": {"coil": 1.0}, "links": []}, "capacities is of a network"),
        ({"geometry": "kbmini", "links": []}, "links is of a network"),
        ({"geometry": "kbmini", "film_areas": {"coil": 1.0}}, "film_areas is of a network"),
        ({"geometry": "kbmini", "heated": "caps"}, "heated is of a network"),
        ({"geometry": "kbmini", "magnet": ["magnet 1"]}, "magnet is of a network"),
        ({"geometry": "kbmini", "dimensions": {"ring_hight": 0.02}}, "ring_hight"),
        ({"geometry": "kbmini", "dimensions": {"coil.mean_radius": 0.2}}, "coil is outside the gap"),
        ({"geometry": "kbmini", "sensor_position": (0.2, 0.0)}, "sensor_position: expected r from 0.01 m to 0.075 m"),
        ({"geometry": "kbmini", "sensor_position": (0.02, 0.07)}, "z within ±0.0675 m, not 0.02 m and 0.07 m"),
        ({"geometry": "kbmini", "sensor_position": (0.005, 0.0)}, "sensor_position"),
        ({}, "either capacities and links, or geometry"),
    ],
)
def test_a_geometry_that_is_not_clear_is_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ThermalMass(**given_)


@pytest.mark.parametrize("size", [1.0, 0.5])
def test_what_is_heated_takes_its_heat(size: float) -> None:
    """A node by itself warms by energy over capacity; of a geometry it is the copper that the grid has."""
    alone = ThermalMass(capacities={"coil": 1155.0}, links=[], magnet=["coil"], size=size)
    assert rises(alone, np.array([3600.0]), power=8e-3)[1][0] == pytest.approx(8e-3 * 3600 / alone.heated_capacity)
    full, half = (ThermalMass(geometry="nist4", dimensions={"coil.fill": fill}, size=size) for fill in (0.9, 0.45))
    grids = [heat_model(named_geometry("nist4", {"coil.fill": fill}, "heat")).capacity.sum() for fill in (0.9, 0.45)]
    assert full.heated_capacity - half.heated_capacity == pytest.approx((grids[0] - grids[1]) * size**3, rel=1e-6)
    assert full.heated_capacity == pytest.approx(2 * half.heated_capacity)
