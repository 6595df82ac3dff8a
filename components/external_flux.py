"""External flux: λ_ext of the Earth's field, a motor or a magnet near by, as the yoke lets it into the coil (Ma2025).

The coil has one flux linkage, to which a source adds ``λ_ext(z_coil, z_magnet)``. The force sees ``∂λ_ext/∂z_coil``;
the voltage is the whole derivative in time. In a balance whose magnet moves in the velocity phase, the mass is wrong by

    ε = (Bl)_v/(Bl)_w − 1 = −(∂/∂z_coil + ∂/∂z_magnet) λ_ext/Bl

at the weighing position: by what coil and magnet see when they move together. A uniform field depends on z_coil −
z_magnet alone, and gives 0 whichever moves; so ``coupling: flux``.

``coupling: published`` is the model of Ma2025, in which a moving magnet does not feel static flux: λ_ext is that of the
coil's place in the room alone, and ``ε = −ΔB̄(z_w)/B`` also for a uniform field. Flux that newly appears in the velocity
phase enters there alone, ``ε = +ΔB̄(z_w)/B``, as if it moved with the magnet. (Eq. 7 prints the opposite sign.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray
from pydantic import Field as Option
from pydantic import field_validator, model_validator

from components.angular_distribution import AngularDistribution
from components.external_density import densities, interfering
from components.external_linkage import of_far_field, of_near_source, terms
from components.external_source import AnySource, FarEnd, NearEnd, polyline
from components.interfering_magnet import Mounted
from twin.component import Component, Port
from twin.composition import Function
from twin.errors import WiringError
from twin.field import Field, FieldSum
from twin.parameter import parameter
from twin.signal import Constant, Signal

Array = NDArray[Any]
AZIMUTHS = 96
"""Places around the axis at which a density is taken."""


class ExternalFlux(Component):
    """Sources of flux beside the magnet, and how the yoke lets them in.

    Couplings hold for a yoke of `native_permeability`, and go with 1/µ_r (``β(µ_r) = γ(1000)/γ(µ_r)`` of Ma2025). They
    are stated; or they follow from a `geometry` (`components.fields.external`), which knows azimuthal means only, so
    that the horizontal far field, whose mean is 0, still takes its stated attenuation.

    A magnet that a stage brings (`components.interfering_magnet`) comes in through `interfering`; without `sources`
    beside it the yoke is taken to be at rest. What a probe sees is
    `gap_density` between the poles, what is let in there, and `outside_density` beside the yoke, the sources and what
    the yoke makes of them (`components.flux_density`).

    Beside `sources`, or in their place, there may be a vertical far field that somebody measures: `ambient`, downward,
    by how much that of the room differs from what they state. It needs a coil that is known, by `turns` and `radius` or
    a `geometry`.

    What alternates goes its own way, to the coil's voltage alone: like vibration, the servo does not follow it, and the
    mean of the force does not know it.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "magnet_position": Port("m", default=0.0),
        "energised": Port("1", default=1.0),
        "stage": Port("m", default=0.0),
        "interfering": Port("A*m^2", default=0.0, kind="field"),
        "ambient": Port("T", default=0.0),
    }
    outputs: ClassVar[Mapping[str, Port]] = {
        "field": Port("T*m", kind="field"),
        "alternating": Port("T*m", kind="field"),
        "gap_density": Port("T", kind="field"),
        "outside_density": Port("T", kind="field"),
    }

    coupling: Literal["flux", "published"] = "flux"
    sources: dict[str, AnySource] = Option(
        default={}, description="by name; null: none after all", json_schema_extra={"neutral": {}}
    )
    turns: float | None = parameter("1", None, gt=0, description="of the coil; by default those of the geometry")
    radius: float | None = parameter("m", None, gt=0, description="mean radius of the coil; by default the geometry's")
    geometry: str | None = Option(default=None, description="name of a magnet that couplings are computed from")
    dimensions: dict[str, float | str] = Option(
        default={}, description="of the geometry that differ, such as coil.turns or ring_height: SI or with unit"
    )
    size: float = parameter("1", 1.0, gt=0, description="p, relative to the geometry as given")
    vertical_slope: float = parameter(
        "1/m", 3.2e-6 / 48e-6, source="Ma2025 eq. 10: 3.2 nT/mm for 48 µT", description="∂γ/∂z of a vertical far field"
    )
    vertical_area: float = parameter(
        "m^2",
        8.8e-5,
        ge=0,
        source="computed from the Tsinghua magnet's geometry",
        description="−λ of a turn in the symmetry plane over a vertical far field",
    )
    horizontal_attenuation: float = parameter(
        "1",
        1 / 170,
        ge=0,
        source="Ma2025: attenuated at least 170 times",
        description="γ_max of a horizontal far field",
    )
    permeability: float = parameter("1", 1e4, gt=1, source="Ma2025", description="µ_r of the yoke; initial: 1000")
    native_permeability: float = parameter("1", 1e4, gt=1, description="µ_r that stated couplings hold for")
    yoke_radius: float = parameter("m", 0.110, gt=0, source="Ma2025", description="that its multipoles are counted by")
    vertical_multipoles: list[float] = parameter(
        "1",
        [1.373, -0.540, 0.083, 3.896, 5.754, 2.833],
        source="computed from the Tsinghua magnet's geometry (components.fields.around)",
        description="that a vertical field induces, of degrees 1, 3, …, over that field",
    )
    horizontal_multipoles: list[float] = parameter(
        "1",
        [1.384, 0.100, -0.395, -0.278, 0.061, 0.112],
        source="computed from the Tsinghua magnet's geometry",
        description="that a horizontal field induces",
    )
    leakage_multipoles: list[float] = parameter(
        "T", [], neutral=[], description="of the magnet's own field beside the yoke, of degrees 2, 4, …"
    )
    ambient_gain: float = parameter(
        "1", 1.0, neutral=0.0, description="far field at the magnet over what is measured where the sensor is"
    )
    reach: float = parameter(
        "m", 25e-3, gt=0, description="largest |z| of coil in magnet, of magnet in the room, and half that of a source"
    )

    @field_validator("sources", mode="before")
    @classmethod
    def _without_those_that_are_null(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if v is not None} if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _coupled(self) -> ExternalFlux:
        if self.geometry is None and (self.dimensions or self.size != 1.0):
            raise ValueError("dimensions and size are of a geometry, and there is none")
        if self.sources and not self._coil_is_known:
            raise ValueError("expected turns and radius of the coil, or a geometry, beside sources")
        for name, source in self.sources.items():
            if isinstance(source, NearEnd) and (self.geometry is None or source.attenuation or source.shielding):
                try:
                    source.shield(self.coil_radius)
                except ValueError as error:
                    raise ValueError(f"sources.{name}: {error}") from None
        return self

    def neutral_inputs(self) -> frozenset[str]:
        measures = self._coil_is_known and self.ambient_gain != 0.0
        neutral = set() if self.sources or self.leakage_multipoles or measures else {"magnet_position"}
        if all(source.appears == "always" for source in self.sources.values()):
            neutral.add("energised")
        if not any(isinstance(source, NearEnd) and source.carried for source in self.sources.values()):
            neutral.add("stage")
        if self.ambient_gain == 0.0:
            neutral.add("ambient")
        return frozenset(neutral)

    # --- λ_ext -------------------------------------------------------------------------------------------------------

    def signals(self, **inputs: Signal) -> dict[str, Any]:
        fields, alternating = [], []
        for name, source in self.sources.items():
            energised = inputs["energised"] if source.appears == "moving" else 1.0
            factor = source.course.factor(f"{self.name}.{name}") * energised
            wave = source.course.wave(f"{self.name}.{name}") * energised
            kept: Signal = Constant(0.0)
            if isinstance(source, NearEnd) and source.retained and source.course.schedule:
                largest = polyline(f"{self.name}.{name}.largest", source.course.largest())
                kept = source.retained * (largest - factor)
            # What a source that moves up sees is what it would see at rest if coil and magnet moved down.
            away: Signal | float = inputs["stage"] if isinstance(source, NearEnd) and source.carried else 0.0
            z_magnet = inputs["magnet_position"]
            for term in terms(self, name):
                origin = z_magnet if term.in_magnet else away
                basis = self._chebyshev(term.order, z_magnet - away)
                fields.append(Field(term.shape, (kept if term.kept else factor) * basis, origin))
                if source.course.amplitude and not term.kept:
                    alternating.append(Field(term.shape, wave * basis, origin))
        if self.is_measured(inputs):
            in_magnet = self.coupling != "published"
            origin = inputs["magnet_position"] if in_magnet else 0.0
            fields.append(Field(of_far_field(self, self.ambient_gain), inputs["ambient"], origin))
        fields += [
            field for mounted in interfering(inputs) for field in self._brought(mounted, inputs["magnet_position"])
        ]
        return {
            "field": FieldSum(fields) if fields else Constant(0.0),
            "alternating": FieldSum(alternating) if alternating else Constant(0.0),
            **densities(self, inputs),
        }

    def is_measured(self, inputs: Mapping[str, Any]) -> bool:
        """Whether somebody says what there is beside the sources."""
        ambient = inputs.get("ambient", Constant(0.0))
        if self.ambient_gain == 0.0 or (isinstance(ambient, Constant) and ambient.value == 0.0):
            return False
        if not self._coil_is_known:
            raise WiringError(
                f"{self.name}: ambient is a measured field, and nothing says which coil it goes through: expected "
                "turns and radius of the coil, or a geometry; or ambient_gain: 0, if it is not to act",
                (self.name,),
            )
        return True

    def _brought(self, mounted: Mounted, z_magnet: Signal) -> list[Field]:
        """λ of a magnet that a stage brought, and of what the yoke keeps of it."""
        shape, kept = of_near_source(self, mounted.source), mounted.source.retained
        now = Field(shape, (1.0 - kept) * mounted.present, mounted.height)
        return [now, Field(shape, kept * mounted.most, mounted.strongest + z_magnet)] if kept else [now]

    def _chebyshev(self, order: int, z_magnet: Signal) -> Signal | float:
        """T_order(z_magnet/reach)."""
        if order == 0:
            return 1.0
        basis = Chebyshev.basis(order, domain=[-self.reach, self.reach])
        return Function(basis, z_magnet, slopes=(basis.deriv(),))

    def magnet_geometry(self) -> Any:
        """The magnet that couplings are computed from, at its size and with its permeability."""
        from components.fields.external import permeability_changed
        from components.fields.named import named_geometry

        geometry = named_geometry(self.geometry or "", self.dimensions).scaled(self.size)
        return permeability_changed(geometry, self.permeability)

    # --- what it does ------------------------------------------------------------------------------------------------

    def derivatives(self, name: str, z_coil: float = 0.0, z_magnet: float = 0.0) -> tuple[float, float]:
        """∂λ_ext/∂z_coil and ∂λ_ext/∂z_magnet of a source at its stated strength (T·m), positions in the room (m)."""
        by_coil = by_magnet = 0.0
        for term in terms(self, name):
            if term.kept:
                continue
            z = np.array([z_coil - (z_magnet if term.in_magnet else 0.0)])
            basis = Chebyshev.basis(term.order, domain=[-self.reach, self.reach])
            here = float(basis(z_magnet) * term.shape.value(z)[0])
            by_coil += here
            by_magnet += float(basis.deriv()(z_magnet) * term.shape.integral(z)[0]) - here * term.in_magnet
        return by_coil, by_magnet

    def epsilon(self, bl: float, z_coil: float = 0.0, *, magnet_moves: bool = True) -> float:
        """Relative error of the mass, by sources as stated, constant but for those that appear in the velocity phase.

        Parameters
        ----------
        bl : (Bl)_w at the weighing position (T·m), of magnet and sources together.
        z_coil : the weighing position (m).
        """
        weighing = velocity = 0.0
        for name, source in self.sources.items():
            by_coil, by_magnet = self.derivatives(name, z_coil)
            weighing += by_coil * (source.appears == "always")
            velocity += -by_magnet if magnet_moves else by_coil
        return (velocity - weighing) / bl

    def far_density(self, field: float, z: Array) -> Array:
        """ΔB̄ in the gap (T) at heights z in the magnet (m) of a vertical far field, downward (T)."""
        result: Array = of_far_field(self, field).value(z) / self.wire_length
        return result

    def mean_let_in(self, source: NearEnd, heights: Array) -> Array:
        """ΔB̄ in the symmetry plane (T) of a source that a stage brought to these heights (m), by its flux linkage."""
        turn, radius = 2 * math.pi * self.coil_radius, self.coil_radius
        weaker = self.native_permeability / self.permeability / source.shield(radius)
        step = 1e-4
        ahead, behind = (source.free_linkage(s * step - heights, radius) for s in (1, -1))
        result: Array = weaker * (ahead - behind) / (2 * step) / turn
        return result

    def distribution(self, name: str, z: float = 0.0) -> AngularDistribution:
        """ΔB_r(θ) of a source in the gap at height z (m), the magnet at rest.

        Raises
        ------
        ValueError
            For a near source whose coupling is computed: it is known by its azimuthal mean alone.
        """
        source, weaker = self.sources[name], self.native_permeability / self.permeability
        theta = 2 * np.pi * np.arange(AZIMUTHS) / AZIMUTHS
        if isinstance(source, FarEnd):
            mean = float(self.far_density(source.vertical, np.array([z]))[0])
            sideways = -self.horizontal_attenuation * weaker * source.horizontal * np.exp(-1j * source.azimuth)
            return AngularDistribution(np.array([mean, sideways]), self.coil_radius)
        let_in = source.free_field(theta, z, self.coil_radius)[0] * weaker / source.shield(self.coil_radius)
        return AngularDistribution.of(let_in, self.coil_radius)

    @property
    def _coil_is_known(self) -> bool:
        return self.geometry is not None or (self.turns is not None and self.radius is not None)

    @property
    def coil_turns(self) -> float:
        """Of the coil, stated or of the geometry; 1 where neither is known and nothing is let in."""
        if self.turns is None and self.geometry is not None:
            return float(self.magnet_geometry().coil.turns)
        return self.turns or 1.0

    @property
    def coil_radius(self) -> float:
        """Mean radius of the coil (m), stated or of the geometry; 1 m where neither is known."""
        if self.radius is None and self.geometry is not None:
            return float(self.magnet_geometry().coil.mean_radius)
        return self.radius or 1.0

    @property
    def wire_length(self) -> float:
        """l of the coil (m)."""
        return 2 * math.pi * self.coil_radius * self.coil_turns

    def scaled(self, factor: float) -> ExternalFlux:
        """Coil and yoke times `factor`; sources stay what and where they are."""
        return self.model_copy(
            update={
                "radius": None if self.radius is None else self.radius * factor,
                "size": self.size if self.geometry is None else self.size * factor,
                "yoke_radius": self.yoke_radius * factor,
                "vertical_slope": self.vertical_slope / factor,
                "vertical_area": self.vertical_area * factor**2,
                "reach": self.reach * factor,
            }
        )
