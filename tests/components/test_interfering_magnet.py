"""The interfering magnet: its moment, what is let in of it, and how it comes and goes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from components.external_flux import ExternalFlux
from components.fields.materials import MU0
from components.interfering_magnet import InterferingMagnet
from tests.components.bench import bench
from twin.errors import SimulationError
from twin.signal import Constant

BESIDE = {"direction": "vertical", "r": 0.175, "shielding": 237.0, "shielding_around": 99.0}
AXIS = {"direction": "vertical", "r": 0.0, "shielding": 89.6, "retained": 0.1}
GAP = 85e-3


def magnet(**parameters: Any) -> InterferingMagnet:
    return InterferingMagnet(**{"mountings": {"beside": BESIDE, "axis": AXIS}, **parameters})


def run(part: InterferingMagnet, *operations: Any) -> Any:
    twin = bench(part)
    for operation in operations:
        twin.clock.run(operation)
    return twin


def let_in(part: InterferingMagnet, mounting: str, angle: float, z: float) -> float:
    (mounted,) = (m for m, name in zip(part.signals()["sources"], part.mountings, strict=True) if name == mounting)
    return float(mounted.let_in(angle, np.array([-z]), GAP)[0])


def test_its_surface_field_is_that_of_a_magnetised_disc() -> None:
    """On the axis at the face of a disc, B = B_r h/(2 √(R² + h²)), the field of its two charged faces."""
    part = magnet(inner_radius=0.0)
    face = 0.5 * part.remanence * 7.5e-3 / math.hypot(12.5e-3, 7.5e-3)
    assert face == pytest.approx(0.260, rel=1e-12)
    bored = magnet(inner_radius=5e-3)
    assert bored.source("axis").moment == pytest.approx(part.source("axis").moment * (1 - 0.16), rel=1e-12)
    assert part.source("axis").moment == pytest.approx(part.remanence / MU0 * math.pi * 12.5e-3**2 * 7.5e-3)


def test_harmonics_around_are_shielded_by_their_order() -> None:
    part = magnet()
    angles = 2 * np.pi * np.arange(24) / 24
    with_order = np.fft.rfft([let_in(part, "beside", a, 0.04) for a in angles])
    free = np.fft.rfft(part.source("beside").free_field(angles, -0.04, GAP)[0])
    expected = free[:5] / np.array([237.0, 99.0, 198.0, 297.0, 396.0])
    assert with_order[:5] == pytest.approx(expected, rel=1e-3)


def test_it_comes_moves_and_goes() -> None:
    part = magnet()
    twin = run(part, part.place("axis", -0.2, 5.0), part.place("axis", -0.14, 5.0), part.remove("axis", 5.0))
    beside, axis = twin.signal("part.sources")
    assert axis.present(np.array([0.0, 2.5, 5.0, 9.0, 12.5, 20.0])) == pytest.approx([0, 0.5, 1, 1, 0.5, 0])
    assert axis.height(np.array([1.0, 5.0, 10.0, 20.0])) == pytest.approx([-0.2, -0.2, -0.14, -0.14])
    assert axis.strongest(np.array([6.0, 10.0, 20.0])) == pytest.approx([-0.2, -0.14, -0.14])
    assert beside.present(20.0) == 0.0


def test_what_was_strongest_stays_so_when_it_is_further_away_again() -> None:
    part = magnet()
    twin = run(part, part.place("axis", -0.14, 1.0), part.place("axis", -0.3, 1.0))
    assert twin.signal("part.sources")[1].strongest(2.0) == pytest.approx(-0.14)


def test_after_it_is_gone_the_yoke_keeps_a_share_in_gap_and_linkage() -> None:
    """Ma2025: the coupled field does not return to zero."""
    part = magnet()
    twin = run(part, part.place("axis", -0.14, 1.0), part.remove("axis", 1.0))
    flux = ExternalFlux(turns=1269, radius=GAP, reach=0.12)
    still = {"magnet_position": Constant(0.0), "energised": Constant(1.0), "stage": Constant(0.0)}
    made = flux.signals(**still, interfering=twin.signal("part.sources"))
    full = let_in(part, "axis", 0.0, -0.14)
    t = np.array([1.0, 3.0])
    assert made["gap_density"].at(GAP, 0.0, Constant(0.0), "radial")(t) == pytest.approx([full, 0.1 * full], rel=1e-12)
    assert made["field"].at(Constant(0.0))(t) == pytest.approx(flux.wire_length * full * np.array([1.0, 0.1]), rel=1e-9)
    assert flux.mean_let_in(part.source("axis"), np.array([-0.14]))[0] == pytest.approx(full, rel=1e-5)


def test_one_mounting_at_a_time() -> None:
    part = magnet()
    with pytest.raises(SimulationError, match="still mounted as 'axis'; take it away first"):
        run(part, part.place("axis", -0.2, 1.0), part.place("beside", 0.0, 1.0))
    with pytest.raises(SimulationError, match="no mounting 'above'; there are beside, axis"):
        run(magnet(), part.place("above", 0.0, 1.0))


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="expected inner_radius below outer_radius"):
        magnet(inner_radius=0.02)
