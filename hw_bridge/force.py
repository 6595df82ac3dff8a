"""What a source's current pushes the coil with: ``limits.force``.

Counted are the windings that the current itself flows through, along currents and voltages of the twin's wiring, as a
shunt may stand in between; not those that it heats or that share a former with one. Relays decide which of them carry
it together: of all configurations that a real switch box has, the one with the largest sum counts, whichever is
connected, so that the limit does not hang on what the box has been told or has done. Of a box without a list of them
all windings count.

Windings count by their absolute Bl, also where they are in series against each other: one of them may be shorted.
Counted is the current of one source. Where another one, or the stage of a real servo, drives the same winding beside
it, the limits have to share what the coil bears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from components.coil import Coil
from components.current_source import CurrentSource
from components.switch_box import SwitchBox
from hw_bridge.drivers.driver import Driver
from hw_bridge.drivers.switch_box import Relays
from twin.graph import Graph

ELECTRIC = ("A", "V")
"""Units of what a current is followed along."""


class Winding(NamedTuple):
    """A winding that a source drives.

    Parameters
    ----------
    coil : its component.
    box : the switch box before it; empty: none.
    port, number : where the current goes into the box, and which of its windings this is.
    """

    coil: str
    box: str = ""
    port: str = ""
    number: int = 0


def windings(graph: Graph, source: str) -> list[Winding]:
    """Those that the current of a source may flow through."""
    wires: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for by, out, to, into in graph.connections():
        wires.setdefault((by, out), []).append((to, into))
    found, ways = list[Winding](), [(source, "current", Winding(""))]
    for by, out, passed in ways:  # which grows
        for to, into in wires.get((by, out), ()):
            part = graph.components[to]
            if isinstance(part, Coil):
                found += [passed._replace(coil=to)] if into == "current" else []
            elif not isinstance(part, CurrentSource):
                for output, port in part.outputs.items():
                    if port.unit in ELECTRIC and into in part.depends.get(output, part.inputs):
                        through = Winding("", to, into, int(output[-1])) if _is_switched(part, output) else passed
                        ways += [] if (to, output, through) in ways else [(to, output, through)]
    return sorted(set(found))


def _is_switched(part: object, output: str) -> bool:
    return isinstance(part, SwitchBox) and output.startswith("current_")


def newtons_per_ampere(driven: Iterable[Winding], drivers: Mapping[str, Driver], bl: Callable[[str], float]) -> float:
    """The most that an ampere pushes with, in any configuration.

    Parameters
    ----------
    driven : by the source.
    drivers : of the real parts, of which a switch box knows its configurations.
    bl : of a coil (T·m).
    """
    total, by_box = 0.0, dict[str, list[Winding]]()
    for winding in driven:
        by_box.setdefault(winding.box, []).append(winding)
    for box, behind in by_box.items():
        relays = drivers.get(box)
        push = {winding: abs(bl(winding.coil)) for winding in behind}
        if isinstance(relays, Relays):
            total += max(
                sum(push[winding] for winding in behind if (winding.port, winding.number) in closed)
                for closed in relays.configurations()
            )
        else:
            total += sum(push.values())
    return total
