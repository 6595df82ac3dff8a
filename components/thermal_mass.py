"""The thermal mass: a network of heat capacities that the coil warms and the air cools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from twin.component import LinearComponent, Port, StateSpace
from twin.parameter import Parameters, parameter


class Link(Parameters):
    """A conductance between two nodes."""

    between: tuple[str, str]
    conductance: float = parameter("W/K", gt=0)


class ThermalMass(LinearComponent):
    """Nodes with heat capacities, linked by conductances, cooled to the air by surface films.

    ``(p³ C) dx/dt + (p K + p² h A) x = b P + p² h A T_air``: x is the temperature of each node above the reference
    temperature, p the linear size relative to the one at which capacities C, links K and areas A are given, h the film
    coefficient (Liu2025). The magnet's temperature is the mean over the nodes in
    `magnet`, weighted by their heat capacities, which for one material is the mean over the volume.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"power": Port("W"), "ambient_rise": Port("K", default=0.0)}
    outputs: ClassVar[Mapping[str, Port]] = {"magnet_temperature_rise": Port("K"), "coil_temperature_rise": Port("K")}

    capacities: dict[str, float] = parameter("J/K", description="heat capacity of each node")
    links: list[Link]
    film_areas: dict[str, float] = parameter("m^2", {}, description="surface of a node that meets the air")
    film_coefficient: float = parameter("W/(m^2*K)", 10.0, ge=0, source="Liu2025 and Li2026 leave it open: 5 to 15")
    size: float = parameter("1", 1.0, gt=0, description="p, relative to the network as given")
    initial_rise: float = parameter("K", 0.0, description="of all nodes at the start; a run adds the room's")
    heated: str = "coil"
    magnet: list[str] = Field(default=["magnet"])

    @model_validator(mode="after")
    def _nodes_exist(self) -> ThermalMass:
        known = ", ".join(self.capacities) or "none"
        used = [*self.film_areas, *self.magnet, self.heated, *(n for link in self.links for n in link.between)]
        for node in used:
            if node not in self.capacities:
                raise ValueError(f"expected a node with a heat capacity ({known}), not {node!r}")
        if not self.magnet:
            raise ValueError("expected at least one node in magnet")
        for what, values in (("heat capacities", self.capacities), ("film areas", self.film_areas)):
            if any(v <= 0 for v in values.values()):
                raise ValueError(f"expected {what} greater than 0")
        return self

    def scaled(self, factor: float) -> ThermalMass:
        return self.model_copy(update={"size": self.size * factor})

    def state_space(self) -> StateSpace:
        nodes = list(self.capacities)
        n, p = len(nodes), self.size
        capacity = np.array([self.capacities[k] for k in nodes], dtype=np.longdouble) * p**3
        conductance = np.zeros((n, n), dtype=np.longdouble)
        for link in self.links:
            i, j = (nodes.index(k) for k in link.between)
            g = np.longdouble(link.conductance) * p
            conductance[[i, j], [i, j]] += g
            conductance[[i, j], [j, i]] -= g
        film = np.array([self.film_areas.get(k, 0.0) for k in nodes]) * p**2 * self.film_coefficient
        conductance[np.arange(n), np.arange(n)] += film
        heating = np.array([k == self.heated for k in nodes], dtype=float)
        inside = np.array([self.capacities[k] if k in self.magnet else 0.0 for k in nodes])
        return StateSpace(
            a=-conductance / capacity[:, None],
            b=(np.stack([heating, film], axis=1) / capacity[:, None]).astype(float),
            c=np.stack([inside / inside.sum(), heating]),
            d=np.zeros((2, 2)),
            x0=np.full(n, self.initial_rise),
        )
