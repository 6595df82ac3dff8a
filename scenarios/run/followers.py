"""Who follows the readings of a real instrument, in words."""

from __future__ import annotations

from collections.abc import Container

from components.fed import Fed
from twin.twin import Twin


def followers(twin: Twin, name: str, real: Container[str]) -> str:
    """The inputs that what an instrument is told acts on: of simulated parts, and of the twin's idea of real ones.

    Parameters
    ----------
    name : of the instrument.
    real : components that are real.
    """
    part, graph = twin.graph.components[name], twin.graph
    assert isinstance(part, Fed)
    told = {part.timeline(f"told_{quantity}") for quantity in part.fed}

    def led(out: str) -> bool:
        return not told.isdisjoint(getattr(twin.signal(f"{name}.{out}"), "leaves", ()))

    wired = [(to, f"{to}.{into}") for by, out, to, into in graph.connections(neutral=True) if by == name and led(out)]
    acting = {f"{to}.{into}" for by, _, to, into in graph.connections(neutral=False) if by == name}
    simulated = ", ".join(port for to, port in wired if to not in real and port in acting)
    beside = ", ".join(port for to, port in wired if to in real and port in acting)
    if not simulated and not beside:
        return f"nothing: {', '.join(port for _, port in wired) or 'no part'} has no influence as it is set"
    expected = f"what the twin expects of real parts follows too: {beside}" if beside else ""
    return "; ".join(filter(None, [simulated or "nothing simulated", expected]))
