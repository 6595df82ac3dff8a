"""Pictures of a component graph: Mermaid, Graphviz dot, and an SVG that needs no other program.

The SVG is a block diagram. Signals run from left to right, inputs enter a box on its left and outputs leave on its right.
Layers follow the longest path once the edges that close a loop are set aside; an edge that passes a layer keeps a lane of
its own there; the order in a layer comes from the barycentre of the neighbours (Sugiyama, 1981).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

import networkx as nx

from twin.graph import Graph
from twin.instrument import Instrument

_ROW, _HEAD, _LANE, _CHARACTER = 17.0, 40.0, 12.0, 6.3
_GAP_X, _GAP_Y, _MARGIN, _FOOT = 78.0, 26.0, 24.0, 56.0
_LOOPS = ("#c2410c", "#7c3aed", "#be185d", "#0e7490")
_WIRE, _NEUTRAL = "#64748b", "#cbd5e1"
_FILLS = {"physics": ("#eef6ee", "#4d7c4d"), "instrument": ("#e8f0fb", "#3b6ea8")}


# --- what is drawn ---------------------------------------------------------------------------------------------------


def kind(graph: Graph, name: str) -> str:
    """``"instrument"`` for a component with operations in time, else ``"physics"``."""
    return "instrument" if isinstance(graph.components[name], Instrument) else "physics"


def _loops(graph: Graph) -> dict[str, int]:
    """The number of the loop that a component belongs to, for those that belong to one."""
    return {name: number for number, group in enumerate(graph.groups()) for name in group}


def _influences(graph: Graph) -> set[tuple[str, str, str, str]]:
    """The connections that have an influence with the present parameters."""
    return set(graph.connections(neutral=False))


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart; loops are framed, connections without influence dotted."""
    loops, live = _loops(graph), _influences(graph)
    lines = ["flowchart LR"]
    for name, component in graph.components.items():
        label = f"{name}<br/><small>{type(component).__name__}</small>"
        shape = '(["{}"])' if kind(graph, name) == "instrument" else '["{}"]'
        lines.append(f"    {name}{shape.format(label)}:::{kind(graph, name)}")
    for number, group in enumerate(graph.groups()):
        members = " & ".join(name for name in graph.components if name in group)
        lines.append(f"    subgraph loop{number + 1}[loop {number + 1}]\n        {members}\n    end")
    for by, out, to, into in graph.connections():
        arrow = "-->" if (by, out, to, into) in live else "-.->"
        lines.append(f'    {by} {arrow}|"{_between(out, into)}"| {to}')
    for name, (fill, stroke) in _FILLS.items():
        lines.append(f"    classDef {name} fill:{fill},stroke:{stroke},color:#1e293b")
    assert set(loops) <= set(graph.components)
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """A Graphviz digraph; loops are clusters, connections without influence dashed."""
    live = _influences(graph)
    lines = ["digraph balance {", "    rankdir=LR;", '    node [fontname="sans-serif", style=filled];']
    lines.append('    edge [fontname="sans-serif", fontsize=9];')
    for name, component in graph.components.items():
        fill, stroke = _FILLS[kind(graph, name)]
        shape = "ellipse" if kind(graph, name) == "instrument" else "box"
        label = f"{name}\\n{type(component).__name__}"
        lines.append(f'    "{name}" [label="{label}", shape={shape}, fillcolor="{fill}", color="{stroke}"];')
    for number, group in enumerate(graph.groups()):
        members = " ".join(f'"{name}";' for name in graph.components if name in group)
        lines.append(f'    subgraph cluster_{number + 1} {{ label="loop {number + 1}"; color="{_LOOPS[number % 4]}"; {members} }}')
    for by, out, to, into in graph.connections():
        style = "" if (by, out, to, into) in live else ", style=dashed"
        lines.append(f'    "{by}" -> "{to}" [label="{_between(out, into)}"{style}];')
    return "\n".join([*lines, "}"]) + "\n"


def _between(out: str, into: str) -> str:
    return out if out == into else f"{out} → {into}"


# --- layout ----------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Cell:
    """A place in a layer: a component's box, or the lane of an edge that passes."""

    layer: int
    name: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    label: str = ""
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        return _HEAD + _ROW * max(len(self.inputs), len(self.outputs), 1) + 4.0 if self.name else _LANE

    @property
    def width(self) -> float:
        if not self.name:
            return 0.0
        rows = [len(a) + len(b) + 3 for a, b in zip(*_padded(self.inputs, self.outputs), strict=True)]
        return max(_CHARACTER * max([*rows, len(self.name) * 1.15 + 2, len(self.label) + 2]), 96.0)

    def port(self, name: str, side: str) -> float:
        """The height of a port."""
        ports = self.inputs if side == "in" else self.outputs
        return self.y + _HEAD + _ROW * (ports.index(name) + 0.5)


def _padded(a: list[str], b: list[str]) -> tuple[list[str], list[str]]:
    """Two lists, the shorter one with empty texts up to the length of the other."""
    n = max(len(a), len(b))
    return a + [""] * (n - len(a)), b + [""] * (n - len(b))


@dataclass
class _Wire:
    """A connection with the cells it passes, from its source to its target."""

    source: str
    output: str
    target: str
    input: str
    cells: list[_Cell]


class _Layout:
    """Boxes and wires with their places.

    Attributes
    ----------
    boxes : by component name.
    wires : in the order of the wiring.
    width, height : of the picture.
    """

    def __init__(self, graph: Graph) -> None:
        wired = set(graph.wiring)
        layers = _layers(graph)
        self.boxes = {
            name: _Cell(
                layers[name],
                name,
                [p for p in component.inputs if f"{name}.{p}" in wired],
                list(component.outputs),
                type(component).__name__,
            )
            for name, component in graph.components.items()
        }
        self.columns: list[list[_Cell]] = [[] for _ in range(max(layers.values(), default=0) + 1)]
        for box in self.boxes.values():
            self.columns[box.layer].append(box)
        lanes: dict[tuple[str, int], _Cell] = {}
        self.wires = [self._wire(connection, lanes) for connection in graph.connections()]
        self._order()
        self._place()

    def _wire(self, connection: tuple[str, str, str, str], lanes: dict[tuple[str, int], _Cell]) -> _Wire:
        """A wire with its lanes; wires from one output share them."""
        by, out, to, into = connection
        first, last = self.boxes[by].layer, self.boxes[to].layer
        passed = range(first + 1, last) if last > first else range(first, last - 1, -1)
        cells = []
        for layer in passed:
            key = (f"{by}.{out}" if last > first else f"{by}.{out}>{to}.{into}", layer)
            if key not in lanes:
                lanes[key] = _Cell(layer)
                self.columns[layer].append(lanes[key])
            cells.append(lanes[key])
        return _Wire(by, out, to, into, [self.boxes[by], *cells, self.boxes[to]])

    def _order(self) -> None:
        """Order each column by the barycentre of its neighbours, sweeping to and fro; keep the order with fewest crossings."""
        neighbours: dict[_Cell, list[_Cell]] = {cell: [] for column in self.columns for cell in column}
        for wire in self.wires:
            for a, b in zip(wire.cells, wire.cells[1:], strict=False):
                neighbours[a].append(b)
                neighbours[b].append(a)
        best, fewest = [list(column) for column in self.columns], self._crossings()
        for sweep in range(24):
            rank = {cell: k / max(len(column) - 1, 1) for column in self.columns for k, cell in enumerate(column)}
            for column in self.columns if sweep % 2 == 0 else reversed(self.columns):
                aim = {c: sum(rank[n] for n in neighbours[c]) / max(len(neighbours[c]), 1) for c in column}
                column.sort(key=aim.__getitem__)
                rank |= {cell: k / max(len(column) - 1, 1) for k, cell in enumerate(column)}
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(column) for column in self.columns], crossings
        self.columns = best

    def _crossings(self) -> int:
        """How many pairs of wires cross."""
        rank = {cell: k for column in self.columns for k, cell in enumerate(column)}
        spans: dict[int, set[tuple[int, int]]] = {}
        for wire in self.wires:
            for a, b in zip(wire.cells, wire.cells[1:], strict=False):
                left, right = (a, b) if a.layer <= b.layer else (b, a)
                spans.setdefault(left.layer, set()).add((rank[left], rank[right]))
        return sum((a - c) * (b - d) < 0 for found in spans.values() for a, b in found for c, d in found) // 2

    def _place(self) -> None:
        """Give every cell its coordinates, columns centred on each other."""
        heights = [sum(c.height for c in column) + _GAP_Y * (len(column) - 1) for column in self.columns]
        self.height, x = max(heights, default=0.0) + 2 * _MARGIN + _FOOT, _MARGIN
        for column, height in zip(self.columns, heights, strict=True):
            width, y = max(c.width for c in column), (self.height - _FOOT - height) / 2
            for cell in column:
                cell.x, cell.y = x + (width - cell.width) / 2, y
                y += cell.height + _GAP_Y
            x += width + _GAP_X
        self.width = max(x - _GAP_X + _MARGIN, 560.0)


def _layers(graph: Graph) -> dict[str, int]:
    """The column of each component: the longest path to it, without the edges that close a loop."""
    order = nx.DiGraph()
    order.add_nodes_from(graph.components)
    for by, _, to, _ in graph.connections():
        if by != to:
            order.add_edge(by, to)
            if not nx.is_directed_acyclic_graph(order):
                order.remove_edge(by, to)
    layers: dict[str, int] = {}
    for name in nx.topological_sort(order):
        layers[name] = max((layers[before] + 1 for before in order.predecessors(name)), default=0)
    for name in reversed(list(nx.topological_sort(order))):  # a source stands just before what it feeds
        after = [layers[n] for n in order.successors(name)]
        if after and not list(order.predecessors(name)):
            layers[name] = min(after) - 1
    return layers
