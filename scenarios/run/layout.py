"""Where the boxes and wires of a block diagram go.

Signals run from left to right, inputs enter a box on its left, outputs leave on its right. The layers follow the
longest path once the wires that close a loop are set aside; a wire that passes a layer has a lane of its own there; the
order in a layer comes from the barycentre of the neighbours (Sugiyama, 1981), the height from the ports that a box is
wired to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx

from twin.errors import WiringError
from twin.graph import Graph

ROW, HEAD = 17.0, 42.0
"""Height of a port, and of the head of a box."""

_LANE, _CHARACTER, _GAP_X, _GAP_Y = 4.0, 6.4, 72.0, 24.0
_SWEEPS, _STRAIGHT = 24, 8

Connection = tuple[str, str, str, str]
"""(source, output, target, input)."""


@dataclass(eq=False)
class Cell:
    """A place in a column: the box of a component, or the lane of a wire that passes, which has no name."""

    layer: int
    name: str = ""
    kind: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        """Of the box, or of the lane."""
        return HEAD + ROW * max(len(self.inputs), len(self.outputs)) + 6.0 if self.name else _LANE

    @property
    def width(self) -> float:
        """Of the box; a lane has none."""
        if not self.name:
            return 0.0
        inner = max(map(len, self.inputs), default=0) + max(map(len, self.outputs), default=0) + 4.0
        return _CHARACTER * max(inner, len(self.name) * 1.1 + 4.0, len(self.kind) + 4.0, 14.0)

    def port(self, name: str) -> float:
        """How far below the top a port is; the middle of a lane."""
        for ports in (self.inputs, self.outputs):
            if name in ports:
                return HEAD + ROW * (ports.index(name) + 0.5)
        return self.height / 2


@dataclass(frozen=True)
class Wire:
    """A connection with the cells it passes from the source's box to the target's; `back` if it runs to the left."""

    connection: Connection
    cells: tuple[Cell, ...]
    back: bool

    def hops(self) -> list[tuple[Cell, float, Cell, float]]:
        """From cell to cell, with the heights of the wire in them."""
        _, out, _, into = self.connection
        ends = [self.cells[0].port(out), *(cell.height / 2 for cell in self.cells[1:-1]), self.cells[-1].port(into)]
        return [(a, p, b, q) for (a, p), (b, q) in pairwise(zip(self.cells, ends, strict=True))]


class Layout:
    """Boxes and wires with their places.

    Attributes
    ----------
    boxes : by component name.
    wires : in the order of the wiring.
    edges : left and right end of every column.
    width, height : of it all.
    """

    def __init__(self, graph: Graph) -> None:
        layers = _layers(graph)
        self.boxes = {
            name: Cell(
                layers[name],
                name,
                type(component).__name__,
                [port for port in component.inputs if f"{name}.{port}" in graph.wiring],
                list(component.outputs),
            )
            for name, component in graph.components.items()
        }
        self._columns: list[list[Cell]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
        for box in self.boxes.values():
            self._columns[box.layer].append(box)
        lanes: dict[tuple[str, int], Cell] = {}
        self.wires = [self._wire(connection, lanes) for connection in graph.connections()]
        self._order()
        self.edges = self._spread()
        self._level()
        cells = [cell for column in self._columns for cell in column]
        top = min((cell.y for cell in cells), default=0.0)
        for cell in cells:
            cell.y -= top
        self.width = max((right for _, right in self.edges), default=0.0)
        self.height = max((cell.y + cell.height for cell in cells), default=0.0)

    def _wire(self, connection: Connection, lanes: dict[tuple[str, int], Cell]) -> Wire:
        """A wire with its lanes, which wires from one output to the right share."""
        by, out, to, into = connection
        first, last = self.boxes[by].layer, self.boxes[to].layer
        back = last <= first
        net = f"{by}.{out} to {to}.{into}" if back else f"{by}.{out}"
        cells = [self.boxes[by]]
        for layer in range(first, last - 1, -1) if back else range(first + 1, last):
            if (net, layer) not in lanes:
                lanes[net, layer] = Cell(layer)
                self._columns[layer].append(lanes[net, layer])
            cells.append(lanes[net, layer])
        return Wire(connection, (*cells, self.boxes[to]), back)

    def _order(self) -> None:
        """Sort each column by the barycentre of its neighbours, to and fro; keep what has the fewest crossings."""
        neighbours: dict[Cell, list[Cell]] = {cell: [] for column in self._columns for cell in column}
        for wire in self.wires:
            for a, b in pairwise(wire.cells):
                neighbours[a].append(b)
                neighbours[b].append(a)
        best, fewest = [list(column) for column in self._columns], self._crossings()
        for sweep in range(_SWEEPS):
            rank = {cell: k / len(column) for column in self._columns for k, cell in enumerate(column)}
            for column in self._columns if sweep % 2 == 0 else reversed(self._columns):
                aim = {cell: sum(rank[n] for n in neighbours[cell]) / max(len(neighbours[cell]), 1) for cell in column}
                column.sort(key=aim.__getitem__)
                rank |= {cell: k / len(column) for k, cell in enumerate(column)}
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(column) for column in self._columns], crossings
        self._columns = best

    def _crossings(self) -> int:
        """How many pairs of wires cross between the columns."""
        rank = {cell: k for column in self._columns for k, cell in enumerate(column)}
        spans: dict[int, set[tuple[float, float]]] = {}
        for wire in self.wires:
            for a, p, b, q in wire.hops():
                if a.layer != b.layer:
                    ends = (rank[a] + p / 1e4, rank[b] + q / 1e4)
                    left = ends if a.layer < b.layer else ends[::-1]
                    spans.setdefault(min(a.layer, b.layer), set()).add(left)
        return sum((a - c) * (b - d) < 0 for found in spans.values() for a, b in found for c, d in found) // 2

    def _spread(self) -> list[tuple[float, float]]:
        """Give the columns their places from left to right."""
        edges, x = [], 0.0
        for column in self._columns:
            width = max(cell.width for cell in column)
            for cell in column:
                cell.x = x + (width - cell.width) / 2
            edges.append((x, x + width))
            x += width + _GAP_X
        return edges

    def _level(self) -> None:
        """Move every cell to where its wires are level, as far as the order and the others allow."""
        hops = [hop for wire in self.wires for hop in wire.hops() if hop[0].layer != hop[2].layer]
        for sweep in range(_SWEEPS):
            for column in self._columns if sweep % 2 == 0 else reversed(self._columns):
                aims: dict[Cell, list[float]] = {cell: [] for cell in column}
                for a, p, b, q in hops:
                    pull = 1 if a.name or b.name else _STRAIGHT
                    if a in aims:
                        aims[a] += [b.y + q - p] * pull
                    if b in aims:
                        aims[b] += [a.y + p - q] * pull
                wanted = [sum(aims[cell]) / len(aims[cell]) if aims[cell] else cell.y for cell in column]
                for cell, y in zip(column, _apart(wanted, [cell.height + _GAP_Y for cell in column]), strict=True):
                    cell.y = y


def _apart(wanted: list[float], sizes: list[float]) -> list[float]:
    """The heights nearest to those wanted at which nothing overlaps (pooling adjacent violators)."""
    offsets = [sum(sizes[:k]) for k in range(len(sizes))]
    pools: list[tuple[float, int]] = []
    for value in (y - offset for y, offset in zip(wanted, offsets, strict=True)):
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, m), (b, n) = pools[-2:]
            pools[-2:] = [((a * m + b * n) / (m + n), m + n)]
    level = [value for value, number in pools for _ in range(number)]
    return [y + offset for y, offset in zip(level, offsets, strict=True)]


def _layers(graph: Graph) -> dict[str, int]:
    """The column of each component: the longest path to it, without the wires that close a loop."""
    try:
        place = {
            name: k for k, (name, _) in enumerate(part for parts in graph.structure.order().static for part in parts)
        }
    except WiringError:
        place = {name: k for k, name in enumerate(graph.components)}
    acyclic: nx.DiGraph[str] = nx.DiGraph()
    acyclic.add_nodes_from(graph.components)
    pairs = dict.fromkeys((by, to) for by, _, to, _ in graph.connections() if by != to)
    along_the_solution_first = sorted(pairs, key=lambda pair: place[pair[0]] > place[pair[1]])
    for by, to in along_the_solution_first:
        if not nx.has_path(acyclic, to, by):
            acyclic.add_edge(by, to)
    layers: dict[str, int] = {}
    for name in nx.topological_sort(acyclic):
        layers[name] = max((layers[before] + 1 for before in acyclic.predecessors(name)), default=0)
    for name, before in list(layers.items()):
        after = [layers[n] for n in acyclic.successors(name)]
        if before == 0 and after:
            layers[name] = min(after) - 1  # a source stands just before what it feeds
    return layers
