"""Pictures of a component graph: Mermaid, Graphviz dot, and an SVG that needs no other program."""

from __future__ import annotations

from html import escape

from scenarios.run.layout import Cell, Connection, Layout, Wire
from twin.graph import Graph
from twin.instrument import Instrument

_KINDS = {"physics": ("#eef6ee", "#4d7c4d"), "instrument": ("#e8f0fb", "#3b6ea8")}
_LOOPS = ("#c2410c", "#7c3aed", "#be185d", "#0e7490")
_WIRE, _IDLE, _TEXT, _FAINT = "#7b8794", "#c3ccd6", "#1e293b", "#64748b"
_MARGIN, _TURN, _LINE = 28.0, 46.0, 20.0


def _kind(graph: Graph, name: str) -> str:
    """``"instrument"`` for a component with operations in time, else ``"physics"``."""
    return "instrument" if isinstance(graph.components[name], Instrument) else "physics"


def _between(out: str, into: str) -> str:
    """The ports of a connection."""
    return out if out == into else f"{out} → {into}"


def mermaid(graph: Graph) -> str:
    """A Mermaid flowchart; loops are framed, connections without influence dotted."""
    live, lines = set(graph.connections(neutral=False)), ["flowchart LR"]
    for name, component in graph.components.items():
        label = f'"{name}<br/><small>{type(component).__name__}</small>"'
        kind = _kind(graph, name)
        lines.append(f"    {name}([{label}]):::{kind}" if kind == "instrument" else f"    {name}[{label}]:::{kind}")
    for number, group in enumerate(graph.groups(), start=1):
        members = [f"        {name}" for name in graph.components if name in group]
        lines += [f"    subgraph loop{number}[loop {number}]", *members, "    end"]
    for connection in graph.connections():
        by, out, to, into = connection
        lines.append(f'    {by} {"-->" if connection in live else "-.->"}|"{_between(out, into)}"| {to}')
    lines += [f"    classDef {kind} fill:{f},stroke:{s},color:{_TEXT}" for kind, (f, s) in _KINDS.items()]
    return "\n".join(lines) + "\n"


def dot(graph: Graph) -> str:
    """A Graphviz digraph; loops are framed, connections without influence dashed."""
    live, lines = set(graph.connections(neutral=False)), ["digraph balance {", "    rankdir=LR;"]
    lines += ['    node [fontname="sans-serif", style=filled];', '    edge [fontname="sans-serif", fontsize=9];']
    for name, component in graph.components.items():
        kind = _kind(graph, name)
        (fill, stroke), shape = _KINDS[kind], "ellipse" if kind == "instrument" else "box"
        label = f"{name}\\n{type(component).__name__}"
        lines.append(f'    "{name}" [label="{label}", shape={shape}, fillcolor="{fill}", color="{stroke}"];')
    for number, group in enumerate(graph.groups(), start=1):
        members = " ".join(f'"{name}";' for name in graph.components if name in group)
        frame = f'label="loop {number}"; color="{_loop_colour(number - 1)}";'
        lines.append(f"    subgraph cluster_{number} {{ {frame} {members} }}")
    for connection in graph.connections():
        by, out, to, into = connection
        style = "" if connection in live else ", style=dashed"
        lines.append(f'    "{by}" -> "{to}" [label="{_between(out, into)}"{style}];')
    return "\n".join([*lines, "}"]) + "\n"


def svg(graph: Graph) -> str:
    """A block diagram: ports at the boxes, loops in colour, connections without influence dashed."""
    layout, live = Layout(graph), set(graph.connections(neutral=False))
    loops = {name: number for number, group in enumerate(graph.groups()) for name in group}
    colours = {wire.connection: _colour(wire.connection, loops, live) for wire in layout.wires}
    legend = _legend(graph, layout.height + 1.5 * _LINE)
    width = max(layout.width, 640.0) + 2 * _MARGIN
    height = layout.height + _LINE * (len(graph.groups()) + 2.5) + 2 * _MARGIN
    quiet_first = sorted(layout.wires, key=lambda wire: colours[wire.connection] not in (_IDLE, _WIRE))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" style="max-width:100%;height:auto" '
        'font-family="Helvetica, Arial, sans-serif">',
        f'<rect x="{-_MARGIN:.0f}" y="{-_MARGIN:.0f}" width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        *(_wire(layout, wire, colours[wire.connection], graph) for wire in quiet_first),
        *(_box(graph, cell, loops) for cell in layout.boxes.values()),
        *legend,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _loop_colour(number: int) -> str:
    return _LOOPS[number % len(_LOOPS)]


def _colour(connection: Connection, loops: dict[str, int], live: set[Connection]) -> str:
    """A wire's colour: that of the loop it belongs to, or grey."""
    by, _, to, _ = connection
    if connection not in live:
        return _IDLE
    return _loop_colour(loops[by]) if by in loops and loops.get(to) == loops[by] else _WIRE


def _wire(layout: Layout, wire: Wire, colour: str, graph: Graph) -> str:
    """A wire as a smooth curve that leaves to the right and arrives from the left."""
    by, out, to, into = wire.connection
    source, target = wire.cells[0], wire.cells[-1]
    x, y = source.x + source.width, source.y + source.port(out)
    path, turn = [f"M{x:.1f} {y:.1f}"], _TURN if wire.back else 0.0
    for cell in wire.cells[1:-1]:
        left, right = layout.edges[cell.layer]
        enter, leave = (right, left) if wire.back else (left, right)
        lane = cell.y + cell.height / 2
        path += [_curve(x, y, enter, lane, turn), f"L{leave:.1f} {lane:.1f}"]
        x, y, turn = leave, lane, 0.0
    path.append(_curve(x, y, target.x, target.y + target.port(into), -_TURN if wire.back else 0.0))
    dashes = ' stroke-dasharray="5 4"' if colour == _IDLE else ""
    unit = graph.components[by].outputs[out].unit
    title = escape(f"{by}.{out} → {to}.{into} ({unit})")
    line = f'fill="none" stroke="{colour}" stroke-width="1.6"{dashes}'
    return f'<path d="{" ".join(path)}" {line}><title>{title}</title></path>'


def _curve(x0: float, y0: float, x1: float, y1: float, turn: float) -> str:
    """A piece of a wire, level at both ends; one that turns round reaches out by `turn`, to the right if positive."""
    a, b = (max(x0, x1) + turn,) * 2 if turn > 0 else (min(x0, x1) + turn,) * 2 if turn else ((x0 + x1) / 2,) * 2
    return f"C{a:.1f} {y0:.1f} {b:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"


def _box(graph: Graph, cell: Cell, loops: dict[str, int]) -> str:
    """A component with its ports."""
    fill, stroke = _KINDS[_kind(graph, cell.name)]
    edge, weight = (_loop_colour(loops[cell.name]), 2.4) if cell.name in loops else (stroke, 1.4)
    radius = 12 if _kind(graph, cell.name) == "instrument" else 2
    middle = cell.x + cell.width / 2
    parts = [
        f'<rect x="{cell.x:.1f}" y="{cell.y:.1f}" width="{cell.width:.1f}" height="{cell.height:.1f}" rx="{radius}" '
        f'fill="{fill}" stroke="{edge}" stroke-width="{weight}"/>',
        _text(middle, cell.y + 17, cell.name, 12.5, _TEXT, "middle", bold=True),
        _text(middle, cell.y + 31, cell.kind, 10.5, _FAINT, "middle"),
    ]
    for ports, x, inward, anchor in ((cell.inputs, cell.x, 7, "start"), (cell.outputs, cell.x + cell.width, -7, "end")):
        for port in ports:
            y = cell.y + cell.port(port)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{stroke}"/>')
            parts.append(_text(x + inward, y + 3.5, port, 10.5, _TEXT, anchor))
    return "\n".join(parts)


def _text(x: float, y: float, text: str, size: float, colour: str, anchor: str = "start", *, bold: bool = False) -> str:
    look = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}"' + (' font-weight="bold"' if bold else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>'


def _legend(graph: Graph, top: float) -> list[str]:
    """What shapes and colours mean."""
    parts, x = [], 0.0
    for kind, (fill, stroke) in _KINDS.items():
        radius = 7 if kind == "instrument" else 2
        parts.append(f'<rect x="{x}" y="{top}" width="24" height="14" rx="{radius}" fill="{fill}" stroke="{stroke}"/>')
        parts.append(_text(x + 32, top + 11, kind, 11, _FAINT))
        x += 120
    parts.append(f'<path d="M{x} {top + 7} h24" stroke="{_IDLE}" stroke-width="1.6" stroke-dasharray="5 4"/>')
    parts.append(_text(x + 32, top + 11, "no influence with these parameters", 11, _FAINT))
    for number, group in enumerate(graph.groups()):
        y, names = top + _LINE * (number + 1), ", ".join(name for name in graph.components if name in group)
        parts.append(f'<path d="M0 {y + 7} h24" stroke="{_loop_colour(number)}" stroke-width="2.4"/>')
        parts.append(_text(32, y + 11, f"loop {number + 1}: {names}", 11, _FAINT))
    return parts
