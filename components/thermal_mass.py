"""The thermal mass: heat capacities that the coil warms and the air cools, as a network or from a magnet's geometry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, model_validator

from twin.component import LinearComponent, Port, StateSpace
from twin.parameter import Parameters, parameter

if TYPE_CHECKING:
    from components.fields.geometry import Geometry
    from components.fields.reduced_basis import ThermalModes

_OF_A_NETWORK = ("capacities", "links", "film_areas", "heated", "magnet")
_OF_A_GEOMETRY = ("dimensions", "sensor_position")


class Link(Parameters):
    """A conductance between two nodes."""

    between: tuple[str, str]
    conductance: float = parameter("W/K", gt=0)


class ThermalMass(LinearComponent):
    """Heat capacities linked by conductances, cooled to the air by surface films.

    ``(p³ C) dx/dt + (p K + p² h A) x = b P + p² h A T_air``: x is the temperature of each node above the reference
    temperature, p the linear size relative to the one at which capacities C, conductances K and areas A are given, h
    the film coefficient (Liu2025).

    Either `capacities` and `links` give the nodes, or `geometry` names a magnet and its nodes are those of a grid
    (`components.fields.heat`), of which a few modes are left (`components.fields.reduced_basis`). In a network, the
    magnet's temperature is the mean over the nodes in `magnet`, weighted by their heat capacities, which for one
    material is the mean over the volume; in a geometry, it is the mean over the volume of the magnet rings.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"power": Port("W"), "ambient_rise": Port("K", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {
        "magnet_temperature_rise": Port("K"),
        "coil_temperature_rise": Port("K"),
        "sensor_temperature_rise": Port("K"),
    }

    capacities: dict[str, float] | None = parameter("J/K", None, description="heat capacity of each node")
    links: list[Link] | None = Field(None, description="conductances between nodes")
    film_areas: dict[str, float] = parameter("m^2", {}, description="surface of a node that meets the air")
    heated: str = Field("coil", description="node of the network that the coil's power heats")
    magnet: list[str] = Field(default=["magnet"], description="nodes of the network that are the magnet")
    geometry: str | None = Field(None, description="name of a magnet, instead of a network")
    dimensions: dict[str, float | str] = Field(
        default={}, description="of the geometry that differ, such as coil.fill or ring_height: SI or with unit"
    )
    sensor_position: tuple[float, float] | None = parameter(
        "m", None, description="r and z of a sensor in the geometry before `size`; none: it shows the magnet's mean"
    )
    film_coefficient: float = parameter("W/(m^2*K)", 10.0, ge=0, source="Liu2025 and Li2026 leave it open: 5 to 15")
    size: float = parameter("1", 1.0, gt=0, description="p, relative to the network or the geometry as given")
    initial_rise: float = parameter("K", 0.0, description="of all nodes at the start; a run adds the room's")

    @model_validator(mode="after")
    def _network_or_geometry(self) -> ThermalMass:
        if self.geometry is not None:
            self._check_unused(_OF_A_NETWORK, "a network; take it away, or take away geometry")
            self._check_sensor(self._geometry())
            return self
        if self.capacities is None or self.links is None:
            raise ValueError("expected either capacities and links, or geometry")
        self._check_unused(_OF_A_GEOMETRY, "a geometry, and there is none")
        self._check_nodes(self.capacities, self.links)
        return self

    def _check_unused(self, keys: tuple[str, ...], owner: str) -> None:
        """Refuse what says something about a network in a geometry, or the other way round."""
        for key in keys:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} is of {owner}")

    def _check_nodes(self, capacities: dict[str, float], links: list[Link]) -> None:
        known = ", ".join(capacities) or "none"
        used = [*self.film_areas, *self.magnet, self.heated, *(n for link in links for n in link.between)]
        for node in used:
            if node not in capacities:
                raise ValueError(f"expected a node with a heat capacity ({known}), not {node!r}")
        if not self.magnet:
            raise ValueError("expected at least one node in magnet")
        for what, values in (("heat capacities", capacities), ("film areas", self.film_areas)):
            if any(v <= 0 for v in values.values()):
                raise ValueError(f"expected {what} greater than 0")

    def _check_sensor(self, magnet: Geometry) -> None:
        if self.sensor_position is None:
            return
        r, z = self.sensor_position
        if not (magnet.bore <= r <= magnet.outer_radius and abs(z) <= 0.5 * magnet.height):
            raise ValueError(
                f"sensor_position: expected r from {magnet.bore:g} m to {magnet.outer_radius:g} m and z within "
                f"±{0.5 * magnet.height:g} m, not {r:g} m and {z:g} m"
            )

    def _geometry(self) -> Geometry:
        """The geometry that is named, with the dimensions that differ."""
        from components.fields.named import named_geometry

        return named_geometry(self.geometry or "", self.dimensions, "heat")

    def modes(self) -> ThermalModes:
        """The modes of the geometry with its size and film: outputs are magnets, coil, and the sensor, if it is placed.

        Raises
        ------
        ValueError
            If there is no geometry.
        """
        from components.fields.reduced_basis import thermal_basis

        sensors = () if self.sensor_position is None else (self.sensor_position,)
        return thermal_basis(self._geometry()).modes(self.size, self.film_coefficient, sensors)

    @property
    def heated_capacity(self) -> float:
        """Heat capacity of what the coil's power heats, the copper alone (J/K)."""
        if self.geometry is None:
            return (self.capacities or {})[self.heated] * self.size**3
        magnet = self._geometry()
        copper = magnet.material(magnet.coil.material).volumetric_heat_capacity
        return magnet.coil_part.volume * magnet.coil.fill * copper * self.size**3

    def scaled(self, factor: float) -> ThermalMass:
        return self.model_copy(update={"size": self.size * factor})

    def state_space(self) -> StateSpace:
        return self._network() if self.geometry is None else self._modes()

    def _network(self) -> StateSpace:
        capacities, links = self.capacities or {}, self.links or []
        nodes = list(capacities)
        n, p = len(nodes), self.size
        capacity = np.array([capacities[k] for k in nodes], dtype=np.longdouble) * p**3
        conductance = np.zeros((n, n), dtype=np.longdouble)
        for link in links:
            i, j = (nodes.index(k) for k in link.between)
            g = np.longdouble(link.conductance) * p
            conductance[[i, j], [i, j]] += g
            conductance[[i, j], [j, i]] -= g
        film = np.array([self.film_areas.get(k, 0.0) for k in nodes]) * p**2 * self.film_coefficient
        conductance[np.arange(n), np.arange(n)] += film
        heating = np.array([k == self.heated for k in nodes], dtype=float)
        inside = np.array([capacities[k] if k in self.magnet else 0.0 for k in nodes])
        magnet = inside / inside.sum()
        return StateSpace(
            a=-conductance / capacity[:, None],
            b=(np.stack([heating, film], axis=1) / capacity[:, None]).astype(float),
            c=np.stack([magnet, heating, magnet]),
            d=np.zeros((3, 2)),
            x0=np.full(n, self.initial_rise),
        )

    def _modes(self) -> StateSpace:
        """The modes of the geometry; they are apart already, and the engine leaves them so."""
        modes = self.modes()
        magnet, coil, *sensor = modes.outputs
        return StateSpace(
            a=np.diag(-modes.rates),
            b=np.stack([modes.power, modes.room], axis=1),
            c=np.stack([magnet, coil, *(sensor or [magnet])]),
            d=np.zeros((3, 2)),
            x0=self.initial_rise * modes.even,
        )
