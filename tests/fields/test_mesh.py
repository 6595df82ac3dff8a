"""Grids: nodes on all edges, cells graded, volumes exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.fields.catalogue import CATALOGUE
from components.fields.geometry import Geometry
from components.fields.magnetostatics import Mesh, magnet_grid
from components.fields.mesh import AIR, lines, stretched
from twin.errors import SimulationError

EACH = pytest.mark.parametrize("name", sorted(CATALOGUE))


@given(
    edges=st.lists(st.floats(-1, 1), min_size=2, max_size=6, unique=True).filter(
        lambda x: np.diff(sorted(x)).min() > 1e-3
    ),
    fine=st.floats(1e-3, 0.1),
)
def test_lines_meet_every_edge_and_keep_the_wanted_size(edges: list[float], fine: float) -> None:
    nodes = lines(dict.fromkeys(edges, fine), 0.2, 0.5)
    assert set(edges) <= set(nodes)
    steps = np.diff(nodes)
    assert steps.min() > 0
    nearest = np.min(np.abs(nodes[:, None] - np.array(edges)), axis=1)
    wanted = np.minimum(0.2, fine + 0.5 * (np.maximum(nearest[1:], nearest[:-1]) + 0.5 * steps))
    assert np.all(steps <= 1.05 * wanted)


def test_stretched_cells_grow_and_end_where_they_should() -> None:
    nodes = np.concatenate([[2.0], stretched(2.0, 0.1, 9.0, 1.5)])
    steps = np.diff(nodes)
    assert nodes[-1] == 9.0
    assert steps[1:] / steps[:-1] == pytest.approx(1.5, rel=1e-9)
    assert steps[0] <= 0.15


@EACH
def test_cells_belong_to_parts_exactly(name: str) -> None:
    geometry = CATALOGUE[name]
    grid = magnet_grid(geometry, Mesh())
    volumes = np.outer(np.pi * np.diff(grid.r**2), np.diff(grid.z))
    for index, part in enumerate(geometry.parts()):
        assert volumes[grid.part == index].sum() == pytest.approx(part.volume, rel=1e-9)
    assert (grid.part == AIR).any()


def test_a_finer_gap_divides_the_cells() -> None:
    geometry = CATALOGUE["nist4"]
    coarse, fine = (magnet_grid(geometry, Mesh(gap=gap)).part.size for gap in (0.1, 0.025))
    assert fine > 2.5 * coarse


def test_a_magnet_too_slender_to_resolve_is_refused_before_anything_is_assembled() -> None:
    thin = {"gap.0": 0.1314999, "coil.mean_radius": 0.13149995, "coil.radial_width": 1e-8}
    with pytest.raises(ValueError, match="expected a width of a 500th of the outer radius or more"):
        CATALOGUE["bipm"].with_dimensions(thin)
    with pytest.raises(SimulationError, match="resolving its narrowest parts would take"):
        magnet_grid(CATALOGUE["bipm"], Mesh(gap=1e-4))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ring_material": "iron"}, "expected a permanent magnet"),
        ({"yoke_material": "air"}, "expected iron"),
        ({"height": 1e9}, "a height of at most 500 times it"),
        ({"outer_radius": 1e9}, "expected an outer_radius from"),
    ],
)
def test_what_is_no_magnet_is_refused_before_any_grid(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Geometry.model_validate({**CATALOGUE["kbmini"].model_dump(), **changes})
