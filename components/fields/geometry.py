"""Geometry of a BIPM-type magnet: what is where in the (r, z) half plane.

Two magnet rings, magnetised against each other, stand above and below an inner yoke; caps and an outer yoke close the
circuit, and the flux crosses the cylindrical gap between inner and outer yoke, inward. z = 0 is the symmetry plane.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from components.fields.materials import MATERIALS, Material
from twin.parameter import Parameters, parameter, unit_of

Interval = tuple[float, float]


class Part(Parameters):
    """A ring of rectangular cross-section.

    Parameters
    ----------
    name : unique in its geometry.
    material : its name.
    r, z : from and to (m).
    magnetised : +1 upward, −1 downward, 0 not.
    group : ``yoke``, ``magnet``, ``coil`` or what the user calls it.
    """

    name: str
    material: str
    r: Interval = parameter("m")
    z: Interval = parameter("m")
    magnetised: Literal[-1, 0, 1] = 0
    group: str = "part"

    @model_validator(mode="after")
    def _has_a_size(self) -> Part:
        if not (0 <= self.r[0] < self.r[1] and self.z[0] < self.z[1]):
            raise ValueError(
                f"part {self.name!r}: expected 0 <= r0 < r1 and z0 < z1 (got r {_mm(self.r)} mm, z {_mm(self.z)} mm)"
            )
        return self

    @property
    def volume(self) -> float:
        """Of the whole ring (m³)."""
        return math.pi * (self.r[1] ** 2 - self.r[0] ** 2) * (self.z[1] - self.z[0])

    def overlaps(self, other: Part, slack: float) -> bool:
        """Whether the two share more than a rim of `slack` (m)."""
        return all(min(a[1], b[1]) - max(a[0], b[0]) > slack for a, b in ((self.r, other.r), (self.z, other.z)))


SMALLEST, LARGEST = 1e-5, 1e4
"""Outer radii (m) of what is called a magnet here."""
SLENDER = 500.0
"""The outer radius over the narrowest gap, and the height over the outer radius, at most."""
MATERIAL_NAMES = ("yoke_material", "ring_material", "coil.material")
"""What may be changed like a dimension, but is the name of a material."""
LEAST_PERMEABILITY = 10.0
"""Of iron; below, the model of a closed yoke means nothing."""


class CoilSection(Parameters):
    """The winding in the gap, centred on the symmetry plane."""

    mean_radius: float = parameter("m", gt=0)
    radial_width: float = parameter("m", gt=0)
    height: float = parameter("m", gt=0)
    turns: int = parameter("1", 1, ge=1, description="of one winding")
    windings: int = parameter("1", 1, ge=1, le=2, description="2 if bifilar; both fill the same section")
    fill: float = parameter("1", 1.0, gt=0, le=1, description="share of the section that is copper, for heat")
    material: str = "copper"

    @property
    def radii(self) -> tuple[float, float]:
        """Inner and outer radius (m)."""
        return self.mean_radius - 0.5 * self.radial_width, self.mean_radius + 0.5 * self.radial_width


class Geometry(Parameters):
    """A BIPM-type magnet, by its dimensions.

    The cap thickness is what `height` leaves above gap and ring. Where no chamber is given the outer yoke's inner
    radius is the gap's outer one over the whole height. `inferred` names the dimensions that no paper prints.
    """

    name: str = "magnet"
    outer_radius: float = parameter("m", gt=0)
    height: float = parameter("m", gt=0, description="of the closed yoke, caps included")
    bore: float = parameter("m", 0.0, ge=0, description="radius of the axial hole through yoke and caps; 0: none")
    gap: Interval = parameter("m", description="inner and outer radius")
    gap_height: float = parameter("m", gt=0, description="of the pole faces")
    ring: Interval = parameter("m", description="inner and outer radius of the magnet rings")
    ring_height: float = parameter("m", gt=0, description="of each")
    chamber_radius: float | None = parameter("m", None, gt=0, description="inside of the outer yoke beside the rings")
    compensation_width: float = parameter("m", 0.0, ge=0, description="how far the compensation rings stand out")
    compensation_height: float = parameter("m", 0.0, ge=0, description="of each, at the ends of the inner yoke")
    coil: CoilSection
    weighing_current: float | None = parameter("A", None, gt=0, description="given; None: half of 1 kg over Bl")
    yoke_material: str = "iron"
    ring_material: str = "SmCo"
    materials: dict[str, Material] = Field(default={}, description="own materials, beside those of the library")
    extra: tuple[Part, ...] = Field(default=(), description="further parts in the air around: shims, shields")
    inferred: frozenset[str] = frozenset()
    source: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Geometry:
        for name in (self.yoke_material, self.ring_material, self.coil.material, *(p.material for p in self.extra)):
            self.material(name)
        if unknown := sorted(name for name in self.inferred if not _has(self, name)):
            raise ValueError(f"inferred: {unknown[0]!r} is no dimension of a geometry")
        self._check_materials()
        self._check_dimensions()
        parts = (*self.parts(), self.coil_part)
        slack = 1e-9 * self.outer_radius
        for index, part in enumerate(parts):
            for other in parts[:index]:
                if part.overlaps(other, slack):
                    raise ValueError(
                        f"parts {other.name!r} and {part.name!r} overlap: r {_mm(other.r)} mm, z {_mm(other.z)} mm "
                        f"and r {_mm(part.r)} mm, z {_mm(part.z)} mm"
                    )
        return self

    def _check_materials(self) -> None:
        """Refuse rings that are no magnets, and a yoke that is no iron."""
        if not self.material(self.ring_material).remanence:
            raise ValueError(f"ring_material: expected a permanent magnet, and {self.ring_material!r} has no remanence")
        yoke = self.material(self.yoke_material)
        if not yoke.bh and yoke.permeability < LEAST_PERMEABILITY:
            raise ValueError(
                f"yoke_material: expected iron, of a relative permeability of {LEAST_PERMEABILITY:g} or more, and "
                f"{self.yoke_material!r} has {yoke.permeability:g}"
            )

    def _check_dimensions(self) -> None:
        """Refuse what is no magnet before its parts are made."""
        if not SMALLEST <= self.outer_radius <= LARGEST or self.height > SLENDER * self.outer_radius:
            raise ValueError(
                f"expected an outer_radius from {SMALLEST:g} m to {LARGEST:g} m, not {self.outer_radius:g} m, and a "
                f"height of at most {SLENDER:g} times it, not {self.height:g} m"
            )
        inner, outer = self.gap
        if 0 < inner < outer < SLENDER**-1 * self.outer_radius + inner:
            raise ValueError(
                f"gap: expected a width of a {SLENDER:g}th of the outer radius or more (got {_mm(self.gap)} mm)"
            )
        if not 0 < inner < outer:
            raise ValueError(f"gap: expected two growing radii (got {_mm(self.gap)} mm)")
        if not 0 <= self.ring[0] < self.ring[1]:
            raise ValueError(f"ring: expected two growing radii (got {_mm(self.ring)} mm)")
        if self.bore >= min(inner, self.ring[1]):
            raise ValueError(f"bore: {_mm(self.bore)} mm leaves nothing of the inner yoke or the rings")
        if self.cap_thickness <= 0:
            raise ValueError(
                f"height: {_mm(self.height)} mm leaves no cap beside gap ({_mm(self.gap_height)} mm) "
                f"and rings (2 x {_mm(self.ring_height)} mm)"
            )
        if not outer <= self.chamber < self.outer_radius:
            raise ValueError(
                f"chamber_radius: expected {_mm(outer)} mm (the gap) to {_mm(self.outer_radius)} mm (the outside), "
                f"not {_mm(self.chamber)} mm"
            )
        if (self.compensation_width > 0) != (self.compensation_height > 0):
            raise ValueError("compensation_width and compensation_height: expected both or neither")
        if 2 * self.compensation_height >= self.gap_height:
            raise ValueError("compensation_height: the two rings meet in the middle of the gap")
        c, r = self.coil, self.coil_part.r
        narrowest = inner + (
            self.compensation_width if c.height > self.gap_height - 2 * self.compensation_height else 0
        )
        if r[0] < narrowest or r[1] > outer or c.height > self.gap_height:
            raise ValueError(
                f"the coil is outside the gap: r {_mm(r)} mm, height {_mm(c.height)} mm, in a gap of "
                f"r {_mm((narrowest, outer))} mm, height {_mm(self.gap_height)} mm"
            )

    @property
    def chamber(self) -> float:
        """Inner radius of the outer yoke beside the rings (m)."""
        return self.gap[1] if self.chamber_radius is None else self.chamber_radius

    @property
    def cap_thickness(self) -> float:
        """Of each cap (m)."""
        return 0.5 * (self.height - self.gap_height) - self.ring_height

    @property
    def gap_radius(self) -> float:
        """Mean radius of the gap (m)."""
        return 0.5 * (self.gap[0] + self.gap[1])

    @property
    def coil_part(self) -> Part:
        """The coil's section at z = 0."""
        c = self.coil
        return Part(name="coil", material=c.material, r=c.radii, z=(-0.5 * c.height, 0.5 * c.height), group="coil")

    def material(self, name: str) -> Material:
        """A material by its name: the geometry's own, else the library's.

        Raises
        ------
        ValueError
            If there is none of this name.
        """
        found = self.materials.get(name) or MATERIALS.get(name)
        if found is None:
            raise ValueError(f"unknown material {name!r}; known: {', '.join(sorted({*self.materials, *MATERIALS}))}")
        return found

    def parts(self) -> tuple[Part, ...]:
        """Yoke, rings and extra parts, without overlap; what they leave free, the coil included, is air."""
        gap, half, ring = self.gap, 0.5 * self.gap_height, 0.5 * self.gap_height + self.ring_height
        top, iron, magnet = 0.5 * self.height, self.yoke_material, self.ring_material

        def yoke(name: str, r: Interval, z: Interval) -> Part:
            return Part(name=name, material=iron, r=r, z=z, group="yoke")

        parts = [yoke("inner yoke", (self.bore, gap[0]), (-half, half))]
        if self.chamber > gap[1]:
            parts.append(yoke("outer pole", (gap[1], self.chamber), (-half, half)))
        parts.append(yoke("outer yoke", (self.chamber, self.outer_radius), (-ring, ring)))
        for sign, side in ((1, "upper"), (-1, "lower")):
            parts.append(yoke(f"{side} cap", (self.bore, self.outer_radius), _sided(sign, ring, top)))
            parts.append(
                Part(
                    name=f"{side} ring",
                    material=magnet,
                    r=self.ring,
                    z=_sided(sign, half, ring),
                    magnetised=1 if sign > 0 else -1,
                    group="magnet",
                )
            )
            if self.compensation_width > 0:
                radii = (gap[0], gap[0] + self.compensation_width)
                z = _sided(sign, half - self.compensation_height, half)
                parts.append(yoke(f"{side} compensation ring", radii, z))
        return (*parts, *self.extra)

    def mass(self) -> float:
        """Of yoke, rings and extra parts, without the coil (kg)."""
        return sum(part.volume * self.material(part.material).density for part in self.parts())

    def scaled(self, p: float) -> Geometry:
        """The geometry with every length multiplied by `p`; materials and turns stay, a stated current does not hold.

        Raises
        ------
        ValueError
            If p is not a positive number.
        """
        if not (p > 0 and math.isfinite(p)):
            raise ValueError(f"scale p: expected a number greater than 0, not {p:g}")
        return self if p == 1.0 else _validated({**_scaled(self, p), "weighing_current": None})

    def with_dimensions(self, dimensions: Mapping[str, float | str]) -> Geometry:
        """The geometry with some dimensions or materials changed, all at once.

        Parameters
        ----------
        dimensions : by name, such as ``ring_height``, ``gap.0`` or ``coil.fill``; a number in SI or text with unit. Of
            `MATERIAL_NAMES` the name of a material that the geometry knows.

        Raises
        ------
        ValueError
            In one line, if there is no such dimension or the parts no longer fit together.
        """
        tree = self.model_dump()
        for name, value in dimensions.items():
            if name not in MATERIAL_NAMES and not _has(self, name):
                raise ValueError(
                    f"unknown dimension {name!r}; expected such as ring_height, gap.0, coil.fill or yoke_material"
                )
            branch: Any = tree
            *path, last = name.split(".")
            for key in path:
                if isinstance(branch[key], tuple):
                    branch[key] = list(branch[key])
                branch = branch[key]
            branch[int(last) if isinstance(branch, list) else last] = value
        return _validated(tree)

    def value(self, dimension: str) -> float:
        """One dimension by its name, as in `with_dimensions`."""
        found: Any = self
        for key in dimension.split("."):
            found = found[int(key)] if key.isdigit() else getattr(found, key)
        return self.chamber if found is None and dimension == "chamber_radius" else float(found)

    def digest(self) -> str:
        """A hash of all that matters for the physics: dimensions and materials, not names of the magnet or sources."""
        parts = [part.model_dump(exclude={"name"}) for part in (*self.parts(), self.coil_part)]
        used = sorted({part["material"] for part in parts})
        materials = {name: self.material(name).model_dump(exclude={"source"}) for name in used}
        content = {"parts": parts, "coil": self.coil.model_dump(), "materials": materials, "gap": self.gap}
        text = json.dumps({**content, "gap_height": self.gap_height}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _sided(sign: int, near: float, far: float) -> Interval:
    """An interval of |z| above (+1) or below (−1) the symmetry plane."""
    return (near, far) if sign > 0 else (-far, -near)


def _mm(length: float | Interval) -> str:
    """A length or interval in millimetres, for messages."""
    if isinstance(length, tuple):
        return f"{1e3 * length[0]:g} to {1e3 * length[1]:g}"
    return f"{1e3 * length:g}"


def _has(geometry: Geometry, dimension: str) -> bool:
    """Whether `dimension` names a value of the geometry."""
    try:
        geometry.value(dimension)
    except (AttributeError, IndexError, TypeError, ValueError):
        return False
    return True


def _validated(tree: dict[str, Any]) -> Geometry:
    """The geometry of these values; what is wrong with them in one line."""
    try:
        return Geometry.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        text = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{place}: {text}" if place else text) from None


def _scaled(group: Parameters, p: float) -> dict[str, Any]:
    """The values of a group of parameters, those in metres multiplied by p."""
    found: dict[str, Any] = {}
    for key, field in type(group).model_fields.items():
        value = getattr(group, key)
        if isinstance(value, Material):
            found[key] = value
        elif isinstance(value, Parameters):
            found[key] = _scaled(value, p)
        elif key == "extra":
            found[key] = tuple(_scaled(part, p) for part in value)
        elif unit_of(field) == "m" and value is not None:
            found[key] = tuple(p * x for x in value) if isinstance(value, tuple) else p * value
        else:
            found[key] = value
    return found
