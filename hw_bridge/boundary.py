"""Which boundaries between real and simulated parts make sense.

The twin stays whole beside the real instruments: a simulated part that is wired to a real source or stage follows what
that is told to do. What cannot be is that something real feels something simulated, unless a source or a stage plays
it:

- a real meter reads what is real;
- an artefact, a real part that nobody talks to, is passed through by what is real: currents, voltages, forces,
  positions and fields (how warm it is, the room may tell);
- a real source or stage acts on something real, or it had better stay off;
- real readings drive a simulated part through a driver that feeds the twin, such as a station;
- a simulated meter does not read a real source through an artefact.
"""

from __future__ import annotations

from collections.abc import Mapping

from hw_bridge.drivers.artefact import Artefact
from hw_bridge.drivers.driver import Driver
from twin.errors import WiringError
from twin.graph import Graph
from twin.parameter import same_unit

CARRIED = ("A", "V", "N", "m", "m/s", "Wb")
"""Units of what passes through a part; the rest is about the place where it stands."""


def check(graph: Graph, drivers: Mapping[str, Driver]) -> None:
    """Refuse what does not make sense.

    Parameters
    ----------
    graph : of the twin, with a simulated part in the place of each real one.
    drivers : of the real parts, by name.

    Raises
    ------
    WiringError
        With the reason.
    """
    acted: set[str] = set()
    for by, out, to, into in graph.connections(neutral=False):
        target, source = drivers.get(to), drivers.get(by)
        ends = (f"{to}.{into}", f"{by}.{out}")
        if source is not None and source.acts and target is not None:
            acted.add(by)
        if target is not None and source is None and into in target.senses:
            raise WiringError(
                f"{to} is real, and {by}, which it reads, is simulated: a real meter cannot read a simulated signal; "
                f"make {by} real too ({by}=artefact if nobody talks to it), or simulate {to}",
                ends,
            )
        if isinstance(target, Artefact) and source is None and _carried(graph, to, into):
            raise WiringError(
                f"{to} is a real artefact, and {by}, from which it gets its {into}, is simulated: nothing simulated "
                f"passes through a real part; make {by} real too, or simulate {to}",
                ends,
            )
        if source is not None and target is None and not (source.acts or source.feeds or isinstance(source, Artefact)):
            raise WiringError(
                f"{by} is real, and {to}, which gets its {out}, is simulated: its readings do not drive the twin; make "
                f"{to} real too, or simulate {by}",
                ends,
            )
        if isinstance(source, Artefact) and target is None and _carried(graph, to, into):
            raise WiringError(
                f"{by} is a real artefact, and {to}, which gets its {out}, is simulated: nobody tells the twin what it "
                f"is; make {to} real too, or simulate {by}",
                ends,
            )
    for name, driver in drivers.items():
        if driver.acts and graph.components[name].outputs and name not in acted:
            raise WiringError(
                f"{name} is real, and nothing real is wired to it: it would act, and nobody would see on what; make "
                "what it acts on real too (NAME=artefact if nobody talks to it)",
                (name,),
            )


def _carried(graph: Graph, name: str, port: str) -> bool:
    declared = graph.components[name].inputs[port]
    return declared.kind == "field" or any(same_unit(declared.unit, unit) for unit in CARRIED)
