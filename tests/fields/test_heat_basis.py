"""One reduced basis for every size and film coefficient: against the full model, and what it keeps exactly."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.fields import cache
from components.fields.catalogue import CATALOGUE, KBMINI, NIST4_THERMAL
from components.fields.heat import HeatModel, heat_model
from components.fields.reduced_basis import ReducedBasis, reduce, thermal_basis

CASES = [(0.15, 1.0), (0.15, 30.0), (0.25, 10.0), (11 / 30, 5.0), (0.6, 15.0), (1.0, 1.0), (1.0, 10.0), (1.0, 30.0)]
LARGEST = [(1.5, 5.0), (1.5, 30.0)]
NAMES = pytest.mark.parametrize("name", ["kbmini", "tsinghua", "small_magnet", "bipm"])


@lru_cache(maxsize=1)
def whole() -> HeatModel:
    return heat_model(NIST4_THERMAL)


@lru_cache(maxsize=1)
def reduced() -> ReducedBasis:
    return reduce(whole())


def errors(basis: ReducedBasis, hertz: float, p: float, h: float) -> Any:
    """Relative errors of the temperatures of magnets and coil."""
    full = basis.model.response(hertz, p, h)
    exact = np.array([(basis.model.magnet * full).sum(), (basis.model.coil * full).sum()])
    return np.abs(basis.response(hertz, p, h) / exact - 1)


# --- error -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "h"), CASES)
def test_seventeen_states_serve_every_size_and_film(p: float, h: float) -> None:
    """A period of 2 h, and the 15 min of a block of OMTP, in which little heat gets to the magnets."""
    assert np.all(errors(reduced(), 1 / 7200, p, h) < [5e-6, 1e-8])
    assert np.all(errors(reduced(), 1 / 900, p, h) < [5e-4, 5e-8])


@pytest.mark.parametrize(("p", "h"), LARGEST)
def test_the_largest_magnet_is_the_hardest(p: float, h: float) -> None:
    assert np.all(errors(reduced(), 1 / 7200, p, h) < [5e-5, 1e-8])


@NAMES
def test_other_magnets(name: str) -> None:
    basis = reduce(heat_model(CATALOGUE[name], 0.6))
    for p, h in ((0.4, 5.0), (1.0, 10.0)):
        assert np.all(errors(basis, 1 / 3600, p, h) < [1e-5, 1e-7])


def test_eight_modes_suffice_for_tmtp_and_twelve_for_omtp() -> None:
    """To 1 % of the amplitude: periods of 2 h, and of 30 and 15 min."""
    eight, twelve = reduce(whole(), 8), reduce(whole(), 12)
    for p in (0.25, 11 / 30, 1.0):
        assert errors(eight, 1 / 7200, p, 10.0)[0] < 0.01
        for hertz in (1 / 1800, 1 / 900):
            assert errors(twelve, hertz, p, 10.0)[0] < 0.01
    assert errors(eight, 1 / 900, 1.0, 10.0)[0] > 0.05


def test_more_states_err_less() -> None:
    by_size = [errors(reduce(whole(), n), 1 / 1800, 1.0, 10.0)[0] for n in (8, 12, 17, 23)]
    assert by_size[0] > 10 * by_size[1] > 100 * by_size[2] > 100 * by_size[3]


def test_the_steady_state_is_that_of_the_full_model() -> None:
    for p, h in CASES:
        modes = reduced().modes(p, h)
        (full,) = whole().solve(0.0, p * h, (whole().heating,))
        exact = np.array([(whole().magnet * full).sum(), (whole().coil * full).sum()]) / p
        assert modes.outputs @ (modes.power / modes.rates) == pytest.approx(exact, rel=1e-6)


def test_the_room_reaches_the_magnet_though_no_answer_to_it_is_in_the_basis() -> None:
    """By reciprocity: what the room does to the magnets is what the magnets' heat does at the surface."""
    for p, h, period in ((1.0, 10.0, 86400.0), (0.25, 5.0, 7200.0), (1.0, 10.0, 7200.0)):
        s = 2j * np.pi / period
        (full,) = whole().solve(s * p**2, p * h, (p * h * whole().film,))
        exact = np.array([(whole().magnet * full).sum(), (whole().coil * full).sum()])
        modes = reduced().modes(p, h)
        assert modes.outputs @ (modes.room / (s + modes.rates)) == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("place", [(0.299, 0.0), (0.1, 0.2), (0.12, 0.1)])
def test_a_sensor_is_nearly_as_good(place: tuple[float, float]) -> None:
    modes = reduced().modes(1.0, 10.0, (place,))
    full = (whole().sensor(*place) * whole().response(1 / 7200, 1.0, 10.0)).sum()
    assert modes.outputs[2] @ (modes.power / (2j * np.pi / 7200 + modes.rates)) == pytest.approx(full, rel=2e-3)


# --- what is exact ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "h"), CASES)
def test_modes_decay_and_settle_at_the_temperature_of_the_room(p: float, h: float) -> None:
    modes = reduced().modes(p, h)
    assert np.all(modes.rates > 0)
    assert np.all(np.diff(modes.rates) >= 0)
    assert modes.outputs @ modes.even == pytest.approx(1.0, rel=1e-11)
    assert modes.room / modes.rates == pytest.approx(modes.even, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("p", [0.25, 1.0])
def test_without_film_all_heat_stays(p: float) -> None:
    """One mode does not decay; there the power warms the whole heat capacity, evenly."""
    modes = reduced().modes(p, 0.0)
    assert modes.rates[0] == 0.0
    lasting = modes.outputs[:, 0] * modes.power[0]
    assert lasting == pytest.approx(1 / (p**3 * whole().capacity.sum()), rel=1e-10)


def test_scaling_laws() -> None:
    """With h/p the rates go as p⁻² and the answer to a power as p⁻³."""
    p = 0.3
    small, one = reduced().modes(p, 10.0 / p), reduced().modes(1.0, 10.0)
    assert small.rates == pytest.approx(one.rates / p**2, rel=1e-10)
    assert small.outputs * small.power == pytest.approx(one.outputs * one.power / p**3, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("h", np.geomspace(1e-18, 1e-14, 9))
def test_no_mode_grows_for_all_rounding(h: float) -> None:
    assert np.all(reduced().modes(1.0, h).rates >= 0.0)


@pytest.mark.parametrize("states", [17, 23])
def test_the_metric_is_the_heat_capacity(states: int) -> None:
    """The small magnet's answers are closest to each other."""
    model = heat_model(CATALOGUE["small_magnet"], 0.5)
    basis = reduce(model, states)
    flat = basis.shapes.reshape(states, -1)
    assert (flat * model.capacity.ravel()) @ flat.T == pytest.approx(np.eye(states), abs=1e-13)
    assert np.ptp(basis.shapes[0][model.inside]) < 1e-14 * basis.shapes[0].max()


@pytest.mark.parametrize("states", [1, 24])
def test_a_size_that_there_is_no_basis_of(states: int) -> None:
    with pytest.raises(ValueError, match="2 to 23 states"):
        reduce(whole(), states)


# --- kept ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KIBBLE_TWIN_CACHE", str(tmp_path))
    cache.forget()


def forbid_solving(monkeypatch: pytest.MonkeyPatch) -> None:
    def solved(*args: Any) -> Any:
        raise AssertionError("solved again")

    monkeypatch.setattr(HeatModel, "solve", solved)


@pytest.mark.usefixtures("empty_cache")
def test_asked_again_nothing_is_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    first = thermal_basis(KBMINI, 0.3)
    forbid_solving(monkeypatch)
    assert thermal_basis(KBMINI, 0.3) is first
    cache.forget()
    read = thermal_basis(KBMINI, 0.3)
    for name in ("shapes", "conduction", "film"):
        assert np.array_equal(getattr(read, name), getattr(first, name))


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("change", [{"coil.fill": 0.5}, {"ring_height": 0.021}])
def test_another_geometry_is_solved(monkeypatch: pytest.MonkeyPatch, change: dict[str, float]) -> None:
    thermal_basis(KBMINI, 0.3)
    forbid_solving(monkeypatch)
    for arguments in ((KBMINI.with_dimensions(change), 0.3), (KBMINI, 0.4), (KBMINI, 0.3, 12)):
        with pytest.raises(AssertionError, match="solved again"):
            thermal_basis(*arguments)


@pytest.mark.usefixtures("empty_cache")
def test_without_the_cache_it_is_solved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    thermal_basis(KBMINI, 0.3, cached=False)
    assert not list(tmp_path.iterdir())
    thermal_basis(KBMINI, 0.3)
    forbid_solving(monkeypatch)
    with pytest.raises(AssertionError, match="solved again"):
        thermal_basis(KBMINI, 0.3, cached=False)
