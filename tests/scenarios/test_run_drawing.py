"""Pictures of a graph: they show every component, every connection, and the loops; the layout keeps things apart."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import combinations

import networkx as nx
import pytest

import scenarios
from scenarios.run.drawing import dot, mermaid, svg
from scenarios.run.layout import Layout, _apart
from twin.graph import Graph

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module", params=["kbmini_tmtp", "kbmini_tmtp, ideal"])
def graph(request: pytest.FixtureRequest) -> Graph:
    """The graph of a balance, and of one in which some connections have no influence."""
    name, _, ideal = request.param.partition(", ")
    experiment = scenarios.load(name)
    return experiment.ideal().graph() if ideal else experiment.graph()


def test_mermaid(graph: Graph) -> None:
    """A node for each component, an arrow for each connection, dotted where there is no influence."""
    text = mermaid(graph)
    idle = len(list(graph.connections())) - len(list(graph.connections(neutral=False)))
    assert text.count("-->") + text.count("-.->") == len(graph.wiring) and text.count("-.->") == idle
    assert text.count(":::") == len(graph.components) and text.count("subgraph") == len(graph.groups())


def test_dot(graph: Graph) -> None:
    """The same."""
    text = dot(graph)
    assert text.count(" -> ") == len(graph.wiring) and text.count("fillcolor") == len(graph.components)
    assert text.count("{") == text.count("}") == 1 + len(graph.groups())


def test_svg(graph: Graph) -> None:
    """Names, types and ports are to be read; each wire says what it connects; all is inside the frame."""
    root = ElementTree.fromstring(svg(graph))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    for name, component in graph.components.items():
        assert name in texts and type(component).__name__ in texts
    for target, source in graph.wiring.items():
        assert target.split(".")[1] in texts and source.split(".")[1] in texts
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert sorted(t.rsplit(" ", 1)[0] for t in titles) == sorted(f"{s} → {t}" for t, s in graph.wiring.items())
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    for box in list(root.iter(f"{SVG}rect"))[1:]:
        x, y, w, h = (float(box.attrib[key]) for key in ("x", "y", "width", "height"))
        assert left < x < x + w < left + width and top < y < y + h < top + height


def test_boxes_keep_apart_and_signals_run_to_the_right(graph: Graph) -> None:
    """No two boxes overlap; the only wires that run back are those inside a loop of the wiring."""
    layout = Layout(graph)
    for a, b in combinations(layout.boxes.values(), 2):
        beside = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert beside or a.y + a.height <= b.y or b.y + b.height <= a.y
    back = {wire.connection for wire in layout.wires if wire.back}
    loops = list(nx.strongly_connected_components(nx.DiGraph(graph.as_networkx())))
    assert back and all(any({by, to} <= loop for loop in loops) for by, _, to, _ in back)
    for by, _, to, _ in back:
        assert layout.boxes[to].layer <= layout.boxes[by].layer


def test_no_graph_and_a_loop_of_one() -> None:
    """Corner cases have a picture too."""
    assert svg(Graph({}, {})).startswith("<svg")
    components = {"a": scenarios.load("kbmini_tmtp").scenario.components()["mass_exchanger"]}
    loop = Graph(components, {"a.weight": "a.load"})
    assert "loop 1: a" in svg(loop)


def test_apart() -> None:
    """Cells go where they want unless they would overlap; then they share the way."""
    assert _apart([0.0, 10.0], [4.0, 4.0]) == [0.0, 10.0]
    assert _apart([0.0, 0.0], [4.0, 4.0]) == [-2.0, 2.0]
