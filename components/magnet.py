"""The magnet: its field at the coil, as a profile along z, and how it changes with temperature."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Option
from pydantic import field_validator, model_validator

from twin.component import Component, Port
from twin.errors import SimulationError
from twin.fault import FaultKind
from twin.field import Field, Shape
from twin.parameter import parameter
from twin.signal import Constant, Signal

if TYPE_CHECKING:
    from components.fields.geometry import Geometry
    from components.fields.profile import Profile

Array = NDArray[Any]


class Material(NamedTuple):
    """A permanent-magnet material: gap field of the same magnet made of it (T), and its temperature coefficient
    (1/K)."""

    gap_field: float
    temperature_coefficient: float


MATERIALS = {
    "SmCo": Material(0.45, -3e-4),
    "NdFeB": Material(0.59, -1e-3),
    "SmCoGd": Material(0.45, -1e-5),
    "SmCo-shunt": Material(0.45, -1e-6),
}
"""Liu2025, sec. 2: 0.45 T and 0.59 T; for SmCoGd and shunt-compensated SmCo no field is printed, SmCo's is taken."""

MaterialName = Literal["SmCo", "NdFeB", "SmCoGd", "SmCo-shunt"]


class Magnet(Component):
    """The geometric factor ``Bl(z, T) = bl · b(z) · (1 + α_m T)``, T above the reference temperature.

    `bl` holds for `native_material`; another `material` changes it by the ratio of the gap fields and brings its own
    temperature coefficient, unless one is given. The profile b(z) is a polynomial, a table, or a CSV file with the
    columns z (m) and Bl (T·m); tables are interpolated by a cubic spline and must not be left. Or all of it, and the
    temperature coefficient with it, follows from a `geometry` (`components.fields`), a spline as well.

    Iron that comes near changes the field at once. The flux linkage, counted from z = 0, then jumps by ``∫ΔBl dz``, and
    a voltage read meanwhile holds that jump over the aperture; the flux that enters the coil at z = 0 is not counted.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"temperature_rise": Port("K")}
    outputs: ClassVar[Mapping[str, Port]] = {
        "field": Port("T*m", kind="field"),
        "stray_field": Port("T"),
        "stray_gradient": Port("T/m"),
    }
    depends: ClassVar[Mapping[str, frozenset[str]]] = {"stray_field": frozenset(), "stray_gradient": frozenset()}
    faults: ClassVar[Mapping[str, FaultKind]] = {"iron": FaultKind("1", "iron nearby: relative change of the field")}

    bl: float | None = parameter("T*m", None, gt=0, description="Bl at z = 0, for a polynomial profile")
    profile: list[float] = parameter("1", [], description="c1, c2, … (1/m, 1/m², …) of b = 1 + c1 z + c2 z² + …")
    table: list[tuple[float, float]] = Option(default=[], description="pairs of z (m) and Bl (T·m)")
    profile_file: Path | None = Option(
        default=None, description="CSV file: z (m), Bl (T·m)", json_schema_extra={"path": True}
    )
    geometry: str | None = Option(
        default=None, description="name of a magnet that Bl is computed from, for one winding"
    )
    dimensions: dict[str, float | str] = Option(
        default={}, description="of the geometry that differ, such as coil.turns or ring_height: SI or with unit"
    )
    size: float = parameter("1", 1.0, gt=0, description="p, relative to the geometry as given")
    native_material: MaterialName = "SmCo"
    material: MaterialName | None = None
    temperature_coefficient: float | None = parameter(
        "1/K", None, neutral=0.0, description="α_m; by default the material's"
    )
    stray_field: float = parameter("T", 0.0, neutral=0.0, description="vertical, at the mass, up positive")
    stray_gradient: float = parameter("T/m", 0.0, neutral=0.0, description="∂B/∂z of the stray field at the mass")
    diameter: float | None = parameter("m", None, gt=0, description="outer diameter, for reports")
    mass: float | None = parameter("kg", None, gt=0, description="of the whole magnet, for reports")

    @field_validator("table")
    @classmethod
    def _table_is_usable(cls, table: list[tuple[float, float]]) -> list[tuple[float, float]]:
        z = [point[0] for point in table]
        if table and (len(table) < 4 or not all(b > a for a, b in pairwise(z))):
            raise ValueError("expected at least four pairs of z and Bl with rising z")
        if not all(math.isfinite(bl) and bl > 0 for _, bl in table):
            raise ValueError("expected Bl greater than 0 everywhere")
        return table

    @model_validator(mode="after")
    def _one_profile(self) -> Magnet:
        tabulated = [bool(self.table), self.profile_file is not None, self.geometry is not None]
        if sum([bool(self.profile), *tabulated]) > 1:
            raise ValueError("expected one of profile, table, profile_file and geometry, not several")
        if self.bl is None and not any(tabulated):
            raise ValueError("expected bl, a table, a profile_file or a geometry")
        if self.bl is not None and any(tabulated):
            raise ValueError("expected bl, or a table, profile_file or geometry, not both; set one of them to null")
        if self.geometry is None and (self.dimensions or self.size != 1.0):
            raise ValueError("dimensions and size are of a geometry, and there is none")
        if self.geometry is not None:
            self._geometry()
        return self

    def _geometry(self) -> Geometry:
        from components.fields.named import named_geometry

        return named_geometry(self.geometry or "", self.dimensions)

    def _computed(self) -> Profile:
        """What follows from the geometry, before `size`."""
        from components.fields.profile import profile

        return profile(self._geometry())

    @property
    def alpha(self) -> float:
        """α_m in force (1/K)."""
        if self.temperature_coefficient is not None:
            return self.temperature_coefficient
        if self.geometry is not None and self.material is None:
            return self._computed().temperature_coefficient
        return MATERIALS[self.material or self.native].temperature_coefficient

    @property
    def is_tabulated(self) -> bool:
        """Whether the profile is another one than a polynomial."""
        return bool(self.table) or self.profile_file is not None or self.geometry is not None

    @property
    def native(self) -> str:
        """The material that the field is stated or computed for."""
        if self.geometry is not None and "native_material" not in self.model_fields_set:
            rings = self._geometry().ring_material
            return rings if rings in MATERIALS else self.native_material
        return self.native_material

    def believed(self, parameter: str) -> float | None:
        return self.alpha if parameter == "temperature_coefficient" else super().believed(parameter)

    def tables(self) -> dict[str, Any]:
        return {} if self.profile_file is None else {"profile_file": None, "table": [list(p) for p in self.points()]}

    def neutral_inputs(self) -> frozenset[str]:
        return frozenset() if self.alpha else frozenset({"temperature_rise"})

    def points(self) -> list[tuple[float, float]]:
        """The table in force, if the profile is tabulated.

        Raises
        ------
        SimulationError
            If the file cannot be read as two columns of numbers.
        """
        if self.profile_file is None:
            return self.table
        try:
            with warnings.catch_warnings(action="error"):  # numpy only warns of an empty file
                data = np.loadtxt(self.profile_file, delimiter=",", ndmin=2, comments="#", usecols=(0, 1))
            return self._table_is_usable([(float(z), float(bl)) for z, bl in data])
        except (OSError, ValueError, UserWarning) as error:
            raise SimulationError(
                f"{self.name}: {self.profile_file} is no table of z (m) and Bl (T·m): {error}"
            ) from None

    def signals(self, **inputs: Signal) -> dict[str, Any]:
        shape = self._shape()
        native, present = MATERIALS[self.native], MATERIALS[self.material or self.native]
        strength = present.gap_field / native.gap_field
        factor = strength * (1.0 + self.alpha * inputs["temperature_rise"]) * (1.0 + self.fault("iron"))
        return {
            "field": Field(shape, factor),
            "stray_field": Constant(self.stray_field),
            "stray_gradient": Constant(self.stray_gradient),
        }

    def _shape(self) -> Shape:
        if self.geometry is not None:
            computed = self._computed()
            return _splined(self.name, computed.bl_spline, computed.z, self.size)
        points = self.points()
        if points:
            from scipy.interpolate import CubicSpline

            z, bl = np.array(points).T
            return _splined(self.name, CubicSpline(z, bl), z, 1.0)
        return _polynomial(self.name, self.bl or 0.0, self.profile)

    def scaled(self, factor: float) -> Magnet:
        """All lengths times `factor`: Bl ∝ p at the same number of turns, the profile stretched, the mass ∝ p³.

        Fields stay, at places that scale too, so that gradients go with 1/p.
        """
        return self.model_copy(
            update={
                "bl": None if self.bl is None else self.bl * factor,
                "profile": [c / factor**k for k, c in enumerate(self.profile, start=1)],
                "table": [(z * factor, bl * factor) for z, bl in self.points()],
                "profile_file": None,
                "size": self.size if self.geometry is None else self.size * factor,
                "stray_gradient": self.stray_gradient / factor,
                "diameter": None if self.diameter is None else self.diameter * factor,
                "mass": None if self.mass is None else self.mass * factor**3,
            }
        )


def _polynomial(name: str, bl: float, coefficients: list[float]) -> Shape:
    value = np.array([bl, *(bl * c for c in coefficients)])
    integral, slope = np.polynomial.polynomial.polyint(value), np.polynomial.polynomial.polyder(value)

    def inside(position: Array) -> Array:
        result = _horner(value, position)
        if result.size and result.min() <= 0.0:
            raise SimulationError(
                f"{name}: the profile makes Bl vanish within the coil's travel; it does not hold so far out"
            )
        return result

    return Shape(inside, lambda z: _horner(integral, z), lambda z: _horner(slope, z))


def _horner(coefficients: Array, x: Array) -> Array:
    """A polynomial, lowest power first."""
    total = np.full(np.shape(x), coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= x
        if c:
            total += c
    return total


def _splined(name: str, value: Any, knots: Array, size: float) -> Shape:
    """A spline of Bl(z) through some knots (m), for a magnet that is `size` times as large: ``p Bl(z/p)``."""
    integral, slope = value.antiderivative(), value.derivative()
    centre, (first, last) = integral(0.0), size * knots[[0, -1]]

    def inside(position: Array) -> Array:
        if position.size and not (first <= position.min() and position.max() <= last):
            raise SimulationError(
                f"{name}: the coil leaves the table of Bl: z from {position.min():g} to {position.max():g} m, "
                f"the table holds {first:g} to {last:g} m"
            )
        return position / size

    return Shape(
        lambda p: size * value(inside(p)),
        lambda p: size**2 * (integral(inside(p)) - centre),
        lambda p: slope(inside(p)),
    )
