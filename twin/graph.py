"""The component graph: wiring with checks, groups, and the signals that follow from them.

`Graph` holds components and connections and finds what is wrong with them: unknown ports, units that differ, inputs
left open. `assemble` turns it into signals: states become groups that are solved together, everything between them
becomes compositions, loops without state are solved where a component declares itself implicit and are an error
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx

from twin.component import Component, ImplicitComponent, LinearComponent, NonlinearComponent, Port, StateSpace
from twin.errors import WiringError
from twin.parameter import same_unit

Dynamic = LinearComponent | NonlinearComponent
Part = tuple[str, frozenset[str] | None]
"""A component's name and the outputs that are built together: those that depend on the same inputs; None: the rest."""


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
        self._parts: dict[str, dict[Part, frozenset[str]]] = {}
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

    def connections(self, *, neutral: bool = True) -> Iterable[tuple[str, str, str, str]]:
        """(source, output, target, input) of every connection; with ``neutral=False`` only those that have an
        influence."""
        for target, source in self.wiring.items():
            (to, into), (by, out) = target.split("."), source.split(".")
            if neutral or into not in self.components[to].neutral_inputs():
                yield by, out, to, into

    def as_networkx(self, *, neutral: bool = True) -> nx.MultiDiGraph[str]:
        """The graph with components as nodes and connections as edges (attributes output, input, unit)."""
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        graph.add_nodes_from(self.components)
        for by, out, to, into in self.connections(neutral=neutral):
            unit = self.components[by].outputs[out].unit
            graph.add_edge(by, to, output=out, input=into, unit=unit)
        return graph

    def groups(self) -> list[set[str]]:
        """Strongly connected groups of more than one component, in topological order."""
        graph = self._influences()
        condensed = nx.condensation(graph)
        groups = []
        for k in nx.topological_sort(condensed):
            parts = condensed.nodes[k]["members"]
            if len(parts) > 1 or any(graph.has_edge(part, part) for part in parts):
                groups.append({name for name, _ in parts})
        return groups

    def state_groups(self) -> list[list[str]]:
        """Components with state, those in one strongly connected group together, in topological order."""
        condensed = nx.condensation(self._influences())
        groups = []
        for k in nx.topological_sort(condensed):
            names = {name for name, _ in condensed.nodes[k]["members"]}
            dynamic = [n for n in self.components if n in names and self.is_dynamic(n)]
            if dynamic:
                groups.append(dynamic)
        return groups

    def is_dynamic(self, name: str) -> bool:
        """Whether a component has a state that something may move."""
        return isinstance(self.components[name], LinearComponent | NonlinearComponent) and not self.is_silent(name)

    def is_silent(self, name: str) -> bool:
        """Whether a component has a state at rest that nothing moves: none of its inputs has an influence."""
        part = self.components[name]
        return isinstance(part, LinearComponent) and bool(part.inputs) and part.neutral_inputs() >= set(part.inputs)

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

    def parts(self, name: str) -> dict[Part, frozenset[str]]:
        """The component in the parts that can be built one after another, each with the inputs it depends on."""
        if name not in self._parts:
            component = self.components[name]
            fields = {port for port, declared in component.inputs.items() if declared.kind == "field"}
            together: dict[frozenset[str], set[str]] = {}
            if not self.is_dynamic(name):
                for port, inputs in component.depends.items():
                    together.setdefault(inputs | fields, set()).add(port)
            early: dict[Part, frozenset[str]] = {(name, frozenset(ports)): by for by, ports in together.items()}
            self._parts[name] = {**early, (name, None): frozenset(component.inputs)}
        return self._parts[name]

    def _influences(self, *, at_once: bool = False) -> nx.DiGraph[Part]:
        """Which part of a component acts on which; `at_once`: without what acts through a state alone."""
        graph: nx.DiGraph[Part] = nx.DiGraph()
        owner: dict[str, Part] = {}
        for name, component in self.components.items():
            for part in self.parts(name):
                graph.add_node(part)
                for port in component.outputs if part[1] is None else part[1]:
                    owner.setdefault(f"{name}.{port}", part)
        for by, out, to, into in self.connections(neutral=False):
            if not at_once or not self.is_dynamic(by) or self.feeds_through(by):
                for part, inputs in self.parts(to).items():
                    if into in inputs:
                        graph.add_edge(owner[f"{by}.{out}"], part)
        return graph

    def static_order(self) -> list[list[Part]]:
        """Parts of components in the order in which their signals can be built; those of an implicit loop together.

        Raises
        ------
        WiringError
            For a loop without state in which no component is implicit, naming its path; or with more than one.
        """
        graph = self._influences(at_once=True)
        for part in list(graph):
            if part[1] is not None:
                graph.add_edge(part, (part[0], None))
        condensed = nx.condensation(graph)

        def first_of(k: Any) -> tuple[str, bool]:
            return min((name, early is None) for name, early in condensed.nodes[k]["members"])

        order: list[list[Part]] = []
        for k in nx.lexicographical_topological_sort(condensed, key=first_of):
            members = set(condensed.nodes[k]["members"])
            if len(members) == 1 and not graph.has_edge(*(2 * list(members))):
                order.append(list(members))
            else:
                order.append(self._implicit_loop(graph, members))
        return order

    def _implicit_loop(self, graph: nx.DiGraph[Part], members: set[Part]) -> list[Part]:
        """The members of a loop without state, its implicit component first."""
        implicit = [p for p in members if isinstance(self.components[p[0]], ImplicitComponent) and p[1] is None]
        cycle = [edge[0][0] for edge in nx.find_cycle(graph.subgraph(members), min(members, key=lambda part: part[0]))]
        path = " → ".join([*cycle, cycle[0]])
        ends = tuple(f"{n}.{p}" for n in cycle for p in self.components[n].inputs if f"{n}.{p}" in self.wiring)
        if len(implicit) != 1:
            names = sorted(name for name, _ in implicit)
            found = "no component of it is implicit" if not names else f"{' and '.join(names)} are both implicit"
            raise WiringError(f"loop without state: {path}; {found}", ends)
        rest = graph.subgraph(members - set(implicit))
        if not nx.is_directed_acyclic_graph(rest):
            inner = [edge[0][0] for edge in nx.find_cycle(rest)]
            loop = " → ".join([*inner, inner[0]])
            raise WiringError(f"loop without state inside the loop of {implicit[0][0]}: {loop}", ends)
        return [*implicit, *nx.topological_sort(rest)]


def _known(names: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, names))) or "none"
