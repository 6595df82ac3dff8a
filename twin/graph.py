"""The component graph: wiring with checks, groups, and the signals that follow from them.

`Graph` holds components and connections and finds what is wrong with them: unknown ports, units that differ, inputs
left open. `assemble` turns it into signals: states become groups that are solved together, everything between them
becomes compositions, loops without state are solved where a component declares itself implicit and are an error
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import networkx as nx

from twin.component import Component, LinearComponent, NonlinearComponent, Port, StateSpace
from twin.errors import WiringError
from twin.parameter import same_unit
from twin.structure import Node, Structure

Dynamic = LinearComponent | NonlinearComponent


class Graph:
    """Components and the connections between their ports.

    Parameters
    ----------
    components : by name.
    wiring : input port to output port, each as ``component.port``.

    Raises
    ------
    WiringError
        Naming both ends, if a port does not exist, units or kinds differ, or an input is left open.
    """

    def __init__(self, components: Mapping[str, Component], wiring: Mapping[str, str]) -> None:
        self.components = dict(components)
        self.wiring = dict(wiring)
        self._spaces: dict[str, StateSpace] = {}
        for target, source in self.wiring.items():
            self._check_connection(target, source)
        for name, component in self.components.items():
            for port, declared in component.inputs.items():
                if f"{name}.{port}" not in self.wiring and declared.default is None:
                    raise WiringError(
                        f"input {name}.{port} ({declared.unit}) is not connected; "
                        f"wire it to an output in {declared.unit}",
                        (f"{name}.{port}",),
                    )

    def _check_connection(self, target: str, source: str) -> None:
        into, out = self.port(target, "inputs"), self.port(source, "outputs")
        if into.kind != out.kind:
            raise WiringError(f"{target} takes a {into.kind}, but {source} is a {out.kind}", (target, source))
        if not same_unit(into.unit, out.unit):
            raise WiringError(f"{target} is in {into.unit}, but {source} is in {out.unit}", (target, source))

    def port(self, name: str, direction: str) -> Port:
        """The declaration of ``component.port``; `direction` is ``"inputs"`` or ``"outputs"``."""
        component_name, _, port_name = name.partition(".")
        component = self.components.get(component_name)
        if component is None:
            raise WiringError(
                f"{name}: there is no component {component_name!r}; known: {_known(self.components)}", (name,)
            )
        ports: Mapping[str, Port] = getattr(component, direction)
        if port_name not in ports:
            raise WiringError(f"{name} is not one of the {direction} of {component_name}: {_known(ports)}", (name,))
        return ports[port_name]

    @cached_property
    def neutral(self) -> Mapping[str, frozenset[str]]:
        """Inputs that have no influence, by component."""
        return {name: part.neutral_inputs() for name, part in self.components.items()}

    def connections(self, *, neutral: bool = True) -> Iterable[tuple[str, str, str, str]]:
        """(source, output, target, input) of every connection; with ``neutral=False`` only those that have an
        influence."""
        for target, source in self.wiring.items():
            (to, into), (by, out) = target.split("."), source.split(".")
            if neutral or into not in self.neutral[to]:
                yield by, out, to, into

    def as_networkx(self, *, neutral: bool = True) -> nx.MultiDiGraph[str]:
        """The graph with components as nodes and connections as edges (attributes output, input, unit)."""
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        graph.add_nodes_from(self.components)
        for by, out, to, into in self.connections(neutral=neutral):
            unit = self.components[by].outputs[out].unit
            graph.add_edge(by, to, output=out, input=into, unit=unit)
        return graph

    @cached_property
    def structure(self) -> Structure:
        """What of it hangs on no number, which graphs of one wiring share."""
        nodes = (
            Node(name, type(part), self.neutral[name], self.is_dynamic(name), self.feeds_through(name))
            for name, part in self.components.items()
        )
        return Structure(tuple(nodes), tuple(self.wiring.items()))

    def groups(self) -> list[set[str]]:
        """Strongly connected groups of more than one component, in topological order."""
        return self.structure.groups()

    def is_dynamic(self, name: str) -> bool:
        """Whether a component has a state that something may move."""
        return isinstance(self.components[name], LinearComponent | NonlinearComponent) and not self.is_silent(name)

    def is_silent(self, name: str) -> bool:
        """Whether a component has a state at rest that nothing moves: none of its inputs has an influence."""
        part = self.components[name]
        return isinstance(part, LinearComponent) and bool(part.inputs) and self.neutral[name] >= set(part.inputs)

    def feeds_through(self, name: str) -> bool:
        """Whether an output of a component with state follows its inputs at once."""
        return isinstance(self.components[name], LinearComponent) and bool(self.state_space(name).d.any())

    def state_space(self, name: str) -> StateSpace:
        """That of a linear component, which may take long to find: asked for again, it is the same."""
        if name not in self._spaces:
            component = self.components[name]
            assert isinstance(component, LinearComponent)
            self._spaces[name] = component.state_space()
        return self._spaces[name]


def _known(names: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, names))) or "none"
