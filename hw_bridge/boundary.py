"""Which boundaries between real and simulated parts make sense.

The twin stays whole beside the real instruments: a simulated part that is wired to a real source or stage follows what
that is told to do. What cannot be is that something real feels something simulated, unless a source or a stage plays
it:

- a real meter reads what is real;
- an artefact, a real part that nobody talks to, is passed through by what is real: currents, voltages, forces,
  positions and fields (how warm it is, the room may tell);
- a real source or stage acts on something real, or it had better stay off;
- real readings drive the simulated parts that are wired to an output of the instrument which reads
  (`hw_bridge.following`), and nothing else of it does;
- a simulated part does not follow an artefact, of which nobody says what it does, but the instrument that reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from components import roles
from components.fed import Fed
from hw_bridge.drivers.artefact import Artefact
from hw_bridge.drivers.driver import Driver
from twin.component import Component, ImplicitComponent
from twin.errors import WiringError
from twin.graph import Graph
from twin.parameter import same_unit

ROLES = frozenset(name for name, role in vars(roles).items() if getattr(role, "__module__", "") == roles.__name__)
"""Names of all roles."""
PLAYED = {**{name: name for name in ROLES}, "Environment": "EnvironmentStation"}
"""By the class of a component, the role that it plays."""
CARRIED = ("A", "V", "N", "m", "m/s", "T", "Wb")
"""Units of what passes through a part; the rest is about the place where it stands."""


def check_role(name: str, driver: str, kind: type[Driver], part: Component) -> None:
    """Refuse a driver that cannot play what a component plays.

    A component of a class of another name plays all roles whose operations it has.

    Parameters
    ----------
    name : of the component.
    driver : its name in the scenario.

    Raises
    ------
    WiringError
        Naming the driver, its role, and what the component needs.
    """
    if not kind.role:
        return
    played = {PLAYED[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in PLAYED}
    if kind.role in played:
        return
    needed = played or {role for role in ROLES if isinstance(part, getattr(roles, role))}
    words = frozenset[str]().union(*map(_operations, needed))
    if needed and not played and words <= _operations(kind.role):
        return
    what = f"needs the role {' and '.join(sorted(needed))}" if needed else "plays none: it takes driver artefact"
    raise WiringError(f"{name}: the driver {driver} has the role {kind.role}, and {name} {what}", (name,))


def _operations(role: str) -> frozenset[str]:
    """What an instrument in a role can do; nothing is known of a role of others."""
    kinds = [kind for kind in getattr(roles, role, object).__mro__ if kind.__name__ in ROLES]
    return frozenset(word for kind in kinds for word in vars(kind) if not word.startswith("_"))


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
        if source is None or target is not None or source.acts or source.drives(out):
            continue
        if not isinstance(source, Artefact):
            reads = (
                f"it reads its {' and '.join(source.tells)} alone" if source.tells else "it reads nothing of the twin"
            )
            raise WiringError(
                f"{by} is real, and {to}, which gets its {out}, is simulated: {reads}, and nothing tells the twin its "
                f"{out}; make {to} real too, or simulate {by}",
                ends,
            )
        if _carried(graph, to, into):
            known = [f"wire {to}.{into} to {port}, which reads it" for port in _readers(graph, drivers, f"{by}.{out}")]
            raise WiringError(
                f"{by} is a real artefact, and {to}, which gets its {out}, is simulated: nobody tells the twin what it "
                f"is; {', '.join([*known, f'make {to} real too'])}, or simulate {by}",
                ends,
            )
    for name, driver in drivers.items():
        if driver.acts and graph.components[name].outputs and name not in acted:
            raise WiringError(
                f"{name} is real, and nothing real is wired to it: it would act, and nobody would see on what; make "
                "what it acts on real too (NAME=artefact if nobody talks to it)",
                (name,),
            )
    _check_loops(graph, drivers)


def _check_loops(graph: Graph, drivers: Mapping[str, Driver]) -> None:
    """Refuse readings in the loop of a part that finds its value by what that does at once, such as a servo."""
    fed = {name for name in drivers if isinstance(part := graph.components[name], Fed) and part.fed}
    for loop in graph.structure.order().static:
        told = {
            name for name, ports in loop if name in fed and any(map(drivers[name].drives, _ports(graph, name, ports)))
        }
        for name in sorted({name for name, _ in loop}):
            part = graph.components[name]
            if isinstance(part, ImplicitComponent) and told:
                between = ", ".join(sorted(told))
                raise WiringError(
                    f"{name} finds its {part.unknown} by what that does at once, and between is what {between} has "
                    f"read, which is known later; simulate {between}, or let it drive what is in no loop with {name}",
                    (name,),
                )


def _ports(graph: Graph, name: str, early: frozenset[str] | None) -> Iterable[str]:
    """The outputs of a part of a component."""
    part = graph.components[name]
    return set(part.outputs) - set(part.depends) if early is None else early


def _readers(graph: Graph, drivers: Mapping[str, Driver], port: str) -> Iterator[str]:
    """Outputs of the real instruments that read a port, and drive the twin with it."""
    for name, driver in drivers.items():
        for quantity in driver.tells:
            into = graph.wiring.get(f"{name}.{'input' if quantity == 'voltage' else quantity}")
            if into == port:
                yield f"{name}.{quantity}"


def _carried(graph: Graph, name: str, port: str) -> bool:
    declared = graph.components[name].inputs[port]
    return declared.kind == "field" or any(same_unit(declared.unit, unit) for unit in CARRIED)
