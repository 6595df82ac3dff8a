"""The structure of a graph: what hangs on its wiring and on the kinds of its parts, and on no number in them.

In what order signals can be built, and which states are solved together, is the same for every size of a balance. It is
found once for each structure, whose value alone it depends on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import networkx as nx

from twin.component import Component, ImplicitComponent
from twin.errors import WiringError

Part = tuple[str, frozenset[str] | None]
"""A component's name and the outputs that are built together: those that depend on the same inputs; None: the rest."""


class Node(NamedTuple):
    """What the structure knows of a component.

    Parameters
    ----------
    name : in the graph.
    kind : its class, which declares its ports.
    neutral : inputs that have no influence.
    dynamic : whether it has a state that something may move.
    through : whether an output of it follows its inputs at once in spite of that.
    """

    name: str
    kind: type[Component]
    neutral: frozenset[str]
    dynamic: bool
    through: bool


@dataclass(frozen=True)
class Order:
    """How signals come out of a graph.

    Parameters
    ----------
    states : components with state, those in one strongly connected group together, in topological order.
    static : parts of components in the order in which their signals can be built; those of an implicit loop together.
    inputs : that each part depends on.
    """

    states: tuple[tuple[str, ...], ...]
    static: tuple[tuple[Part, ...], ...]
    inputs: Mapping[Part, frozenset[str]]


@dataclass(frozen=True)
class Structure:
    """Components without their numbers, and how they are wired.

    Parameters
    ----------
    nodes : in the order of the graph.
    wiring : input port and output port of each connection, as ``component.port``.
    """

    nodes: tuple[Node, ...]
    wiring: tuple[tuple[str, str], ...]

    @cached_property
    def node(self) -> Mapping[str, Node]:
        """By name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def connections(self) -> list[tuple[str, str, str, str]]:
        """(source, output, target, input) of every connection that has an influence."""
        found = ((*source.split("."), *target.split(".")) for target, source in self.wiring)
        return [(by, out, to, into) for by, out, to, into in found if into not in self.node[to].neutral]

    @cached_property
    def parts(self) -> Mapping[str, Mapping[Part, frozenset[str]]]:
        """The components in the parts that can be built one after another, each with the inputs it depends on."""
        return {node.name: _parts(node) for node in self.nodes}

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

    def order(self, wanted: Iterable[str] | None = None) -> Order:
        """In which signals are built.

        Parameters
        ----------
        wanted : outputs that somebody asks for, as ``component.port``, beside what they follow from; None: all.

        Raises
        ------
        WiringError
            For a loop without state in which no component is implicit, naming its path; or with more than one.
        """
        return _order(self, None if wanted is None else frozenset(wanted))

    def _influences(self, *, at_once: bool = False) -> nx.DiGraph[Part]:
        """Which part of a component acts on which; `at_once`: without what acts through a state alone."""
        graph: nx.DiGraph[Part] = nx.DiGraph()
        for parts in self.parts.values():
            graph.add_nodes_from(parts)
        for by, out, to, into in self.connections:
            if not at_once or not self.node[by].dynamic or self.node[by].through:
                for part, inputs in self.parts[to].items():
                    if into in inputs:
                        graph.add_edge(self._owner(by, out), part)
        return graph

    def _owner(self, name: str, output: str) -> Part:
        """The part of a component that an output is of."""
        return next(part for part in self.parts[name] if part[1] is None or output in part[1])

    def _state_groups(self) -> tuple[tuple[str, ...], ...]:
        condensed = nx.condensation(self._influences())
        groups = []
        for k in nx.topological_sort(condensed):
            names = {name for name, _ in condensed.nodes[k]["members"]}
            dynamic = tuple(node.name for node in self.nodes if node.name in names and node.dynamic)
            if dynamic:
                groups.append(dynamic)
        return tuple(groups)

    def _static_order(self) -> tuple[tuple[Part, ...], ...]:
        graph = self._influences(at_once=True)
        for part in list(graph):
            if part[1] is not None:
                graph.add_edge(part, (part[0], None))
        condensed = nx.condensation(graph)

        def first_of(k: Any) -> tuple[str, bool]:
            return min((name, early is None) for name, early in condensed.nodes[k]["members"])

        order: list[tuple[Part, ...]] = []
        for k in nx.lexicographical_topological_sort(condensed, key=first_of):
            members = set(condensed.nodes[k]["members"])
            if len(members) == 1 and not graph.has_edge(*(2 * list(members))):
                order.append(tuple(members))
            else:
                order.append(self._implicit_loop(graph, members))
        return tuple(order)

    def _implicit_loop(self, graph: nx.DiGraph[Part], members: set[Part]) -> tuple[Part, ...]:
        """The members of a loop without state, its implicit component first."""
        implicit = [p for p in members if issubclass(self.node[p[0]].kind, ImplicitComponent) and p[1] is None]
        cycle = [edge[0][0] for edge in nx.find_cycle(graph.subgraph(members), min(members, key=lambda part: part[0]))]
        path, wired = " → ".join([*cycle, cycle[0]]), {target for target, _ in self.wiring}
        ends = tuple(f"{n}.{p}" for n in cycle for p in self.node[n].kind.inputs if f"{n}.{p}" in wired)
        if len(implicit) != 1:
            names = sorted(name for name, _ in implicit)
            found = "no component of it is implicit" if not names else f"{' and '.join(names)} are both implicit"
            raise WiringError(f"loop without state: {path}; {found}", ends)
        rest = graph.subgraph(members - set(implicit))
        if not nx.is_directed_acyclic_graph(rest):
            inner = [edge[0][0] for edge in nx.find_cycle(rest)]
            loop = " → ".join([*inner, inner[0]])
            raise WiringError(f"loop without state inside the loop of {implicit[0][0]}: {loop}", ends)
        return (*implicit, *nx.topological_sort(rest))

    def _leading_to(self, wanted: Iterable[str]) -> set[Part]:
        """The parts that these outputs are of, and all that act on them."""
        graph = self._influences()
        found = {self._owner(*port.split(".")) for port in wanted}
        return found.union(*(nx.ancestors(graph, part) for part in found))


@lru_cache(maxsize=64)
def _order(structure: Structure, wanted: frozenset[str] | None) -> Order:
    states, static = structure._state_groups(), structure._static_order()
    inputs = {part: by for parts in structure.parts.values() for part, by in parts.items()}
    if wanted is not None:
        needed = structure._leading_to(wanted)
        states = tuple(names for names in states if any((name, None) in needed for name in names))
        static = tuple(parts for parts in static if needed.intersection(parts))
    return Order(states, static, inputs)


def _parts(node: Node) -> dict[Part, frozenset[str]]:
    fields = {port for port, declared in node.kind.inputs.items() if declared.kind == "field"}
    together: dict[frozenset[str], set[str]] = {}
    if not node.dynamic:
        for port, inputs in node.kind.depends.items():
            together.setdefault(inputs | fields, set()).add(port)
    early: dict[Part, frozenset[str]] = {(node.name, frozenset(ports)): by for by, ports in together.items()}
    return {**early, (node.name, None): frozenset(node.kind.inputs)}
