"""Materials of magnets, yokes and coils: heat, magnetism, and where the figures come from."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import model_validator

from twin.parameter import Parameters, parameter

MU0 = 4e-7 * math.pi
"""Magnetic constant (H/m); the 2019 value differs by 1e-10, far below what geometry allows."""


class Material(Parameters):
    """A homogeneous, isotropic material.

    A permanent magnet has a `remanence`, and `permeability` is then its recoil permeability. Iron is linear with
    `permeability` (at its operating point) unless `bh` is given, which then takes its place.
    """

    name: str
    conductivity: float = parameter("W/(m*K)", gt=0, description="of heat")
    density: float = parameter("kg/m^3", gt=0)
    heat_capacity: float = parameter("J/(kg*K)", gt=0)
    permeability: float = parameter("1", 1.0, gt=0, description="relative; recoil permeability of a magnet")
    bh: tuple[tuple[float, float], ...] = parameter(
        "1", (), description="table of H (A/m) and B (T), from (0, 0) on, both growing"
    )
    remanence: float = parameter("T", 0.0, ge=0)
    temperature_coefficient: float = parameter("1/K", 0.0, description="relative, of the remanence")
    source: str = ""

    @model_validator(mode="after")
    def _bh_grows(self) -> Material:
        if not self.bh:
            return self
        if self.remanence:
            raise ValueError(f"material {self.name!r}: expected a remanence or a B-H table, not both")
        if len(self.bh) < 3 or self.bh[0] != (0.0, 0.0):
            raise ValueError(f"material {self.name!r}: expected a B-H table of at least 3 rows, the first (0, 0)")
        if any(h1 <= h0 or b1 <= b0 for (h0, b0), (h1, b1) in pairwise(self.bh)):
            raise ValueError(f"material {self.name!r}: expected a B-H table in which H and B grow")
        if any(b1 - b0 < MU0 * (h1 - h0) for (h0, b0), (h1, b1) in pairwise(self.bh)):
            raise ValueError(f"material {self.name!r}: expected a B-H table that is nowhere less steep than vacuum")
        return self

    @property
    def coercivity(self) -> float:
        """H_c of the straight recoil line (A/m)."""
        return self.remanence / (MU0 * self.permeability)

    @property
    def initial_permeability(self) -> float:
        """Of its B–H table from the first row on, or `permeability`."""
        return self.bh[1][1] / self.bh[1][0] / MU0 if self.bh else self.permeability

    @property
    def volumetric_heat_capacity(self) -> float:
        """ρ c_p (J/(m³ K))."""
        return self.density * self.heat_capacity


IRON_RESISTIVITY = 1.6e-7
"""Of low-carbon steel (Ω m), as in handbooks."""


def skin_depth(iron: Material, frequency: float) -> float:
    """δ = √(ρ/(π f µ)) of a yoke's iron (m) at a frequency (Hz), by its initial permeability."""
    return math.sqrt(IRON_RESISTIVITY / (math.pi * frequency * MU0 * iron.initial_permeability))


def froehlich(initial_permeability: float, saturation: float) -> tuple[tuple[float, float], ...]:
    """A B–H table after Fröhlich and Kennelly, ``B = µ0 H + J_s H/(H + H_h)``.

    Parameters
    ----------
    initial_permeability : relative, at H = 0.
    saturation : polarisation J_s at saturation (T).
    """
    half = saturation / (MU0 * (initial_permeability - 1.0))
    h = np.concatenate([[0.0], half * np.geomspace(1e-2, 1e4, 61)])
    b = MU0 * h + saturation * h / (h + half)
    return tuple((float(x), float(y)) for x, y in zip(h, b, strict=True))


_IRON: dict[str, Any] = {"conductivity": 50.0, "density": 7870.0, "heat_capacity": 450.0}
_IRON_HEAT = "heat: handbook values of low-carbon steel"
_HANDBOOK = "handbook values"

_AISI_1010 = (
    (0.0, 0.0),
    (238.73, 0.2503),
    (795.78, 0.925),
    (1591.6, 1.25),
    (2387.3, 1.39),
    (3978.9, 1.525),
    (7957.7, 1.71),
    (15915.5, 1.87),
    (23873.0, 1.955),
    (39789.0, 2.02),
    (79577.5, 2.11),
    (159155.0, 2.225),
    (318310.0, 2.43),
)

_ALL = (
    Material(name="air", conductivity=0.026, density=1.2, heat_capacity=1005.0, source=_HANDBOOK),
    Material(name="copper", conductivity=400.0, density=8960.0, heat_capacity=385.0, source=_HANDBOOK),
    Material(name="aluminium", conductivity=237.0, density=2700.0, heat_capacity=897.0, source=_HANDBOOK),
    Material(name="iron", **_IRON, permeability=5000.0, source=f"{_IRON_HEAT}; linear, near its maximum permeability"),
    Material(
        name="iron_10000", **_IRON, permeability=10000.0, source="Ma2025: relative permeability at the working point"
    ),
    Material(name="iron_1000", **_IRON, permeability=1000.0, source="Ma2025: about 1000 initially, magnets removed"),
    Material(
        name="iron_annealed",
        **_IRON,
        bh=froehlich(5000.0, 2.15),
        source=f"{_IRON_HEAT}; B-H after Fröhlich, initial permeability 5000 and 2.15 T chosen for annealed pure iron",
    ),
    Material(
        name="iron_not_annealed",
        **_IRON,
        bh=froehlich(1000.0, 2.15),
        source=f"{_IRON_HEAT}; B-H after Fröhlich, initial permeability 1000 as Ma2025 has it, 2.15 T",
    ),
    Material(
        name="steel_1010", **_IRON, bh=_AISI_1010, source=f"{_IRON_HEAT}; normal curve of AISI 1010 as in handbooks"
    ),
    Material(
        name="SmCo",
        conductivity=11.0,
        density=8350.0,
        heat_capacity=370.0,
        permeability=1.05,
        remanence=1.08,
        temperature_coefficient=-3e-4,
        source="Seifert2014: 1.08 T at 26 °C; Liu2025: -3e-4/K; recoil permeability 1.05 is a handbook value",
    ),
    Material(
        name="NdFeB",
        conductivity=9.0,
        density=7500.0,
        heat_capacity=460.0,
        permeability=1.05,
        remanence=1.05 * MU0 * 1e6,
        temperature_coefficient=-1e-3,
        source="Li2026: 1000 kA/m, -1e-3/K; recoil permeability 1.05 is a handbook value",
    ),
)

MATERIALS: dict[str, Material] = {material.name: material for material in _ALL}
"""The materials that a geometry knows without saying more; a geometry may bring its own."""
