"""What the induced-voltage test finds: the external field that coil and magnet see together (Ma2025 eqs. 13 and 14).

Blocks: `induced_voltmeter`, voltage, phase="velocity" and, with place="before" and "after", phase="rest"; and
`interferometer`, position at the edges of the apertures of the move; all with the labels move, moved ("magnet", with
the coil, or "source") and source ("present" or "absent"). Moves alternate in direction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scenarios.reduction.certificates import Estimate
from scenarios.reduction.errors import ReductionError
from scenarios.reduction.findings import Curve, Findings, Line, Quantity
from twin.parameter import Parameters
from twin.recorder import Block, Blocks
from twin.times import NS

Array = NDArray[np.float64]


class Move(NamedTuple):
    """A move: which, mean velocity (m/s), net voltage (V) by reading, positions (m) of these, and with the source.

    Where a source moves up, coil and magnet might as well move down: its voltage is turned round.
    """

    number: int
    velocity: float
    net: Array
    position: Array
    present: bool

    @property
    def noise(self) -> float:
        """Standard uncertainty of the mean net voltage, from the scatter of its readings (V)."""
        return float(self.net.std(ddof=1)) / math.sqrt(self.net.size) if self.net.size > 1 else 0.0


class InducedVoltageReduction(Parameters):
    """How voltages become fields: ``ΔB̄ = δV/(l v)``.

    The refractive index of the air, 2.7e-4 of v, is left out: it is far below the noise of any such test.
    """

    places: int = Field(8, ge=1, le=1000, description="stretches of the travel that the field is averaged over")

    def findings(self, readings: Blocks, certificates: Mapping[str, Estimate]) -> Findings:
        """Net voltages, differences of pairs, and the field along the travel.

        Raises
        ------
        ReductionError
            If readings are missing or do not suffice.
        """
        moves = [_move(block, readings) for block in readings.select("induced_voltmeter", phase="velocity")]
        moves.sort(key=lambda move: move.number)
        present, absent = ([m for m in moves if m.present is there] for there in (True, False))
        length, u_length = _wire_length(certificates)
        pairs = _pairs(present)
        shape = _along(pairs, length, self.places)
        if absent:
            shape = shape.without(_along(_pairs(absent), length, self.places))
        return Findings(_quantities(pairs, absent, length, u_length, shape, certificates), _curves(moves, pairs, shape))


class Along(NamedTuple):
    """The field (T) at places along the travel (m), with its standard uncertainty."""

    z: Array
    field: Array
    u: Array

    def without(self, other: Along) -> Along:
        """What another run does not have."""
        return Along(self.z, self.field - other.field, np.hypot(self.u, other.u))


def _move(voltage: Block, readings: Blocks) -> Move:
    number = voltage.labels.get("move")
    if not isinstance(number, int):
        raise ReductionError("a block of 'induced_voltmeter' lacks the label move")
    rests = {
        block.labels.get("place"): float(block.values.mean())
        for block in readings.select("induced_voltmeter", phase="rest", move=number)
    }
    edges = list(readings.select("interferometer", phase="velocity", move=number))
    if set(rests) != {"before", "after"} or len(edges) != 1 or edges[0].schedule.start != voltage.schedule.start:
        raise ReductionError(f"move {number} lacks the rest before or after it, or positions at its readings' edges")
    z = edges[0].values.ravel()
    travel = float(z[-1] - z[0])
    if abs(travel) < 1e-9:
        raise ReductionError(f"move {number} does not move; its positions are all {z[0]:g} m")
    net = voltage.values.ravel() - 0.5 * (rests["before"] + rests["after"])
    net = -net if voltage.labels.get("moved") == "source" else net
    velocity = travel / (voltage.values.size * voltage.aperture / NS)
    return Move(number, velocity, net, 0.5 * (z[1:] + z[:-1]), voltage.labels.get("source", "present") == "present")


def _pairs(moves: list[Move]) -> list[tuple[Move, Move]]:
    """Moves up and down that follow one another."""
    pairs = [(a, b) if a.velocity > 0 else (b, a) for a, b in zip(moves[::2], moves[1::2], strict=False)]
    if len(pairs) < 1 or any(up.velocity <= 0 or down.velocity >= 0 for up, down in pairs):
        raise ReductionError("the moves do not alternate between up and down; record pairs of them")
    return pairs


def _wire_length(certificates: Mapping[str, Estimate]) -> tuple[float, float]:
    """l of the coil (m), and its standard uncertainty."""
    turns, radius = certificates.get("external_flux.turns"), certificates.get("external_flux.radius")
    if turns is None or radius is None:
        raise ReductionError("the coil's turns and radius are not known; state them as external_flux.turns and radius")
    length = 2 * math.pi * turns.value * radius.value
    return length, length * math.hypot(turns.u / turns.value, radius.u / radius.value)


def _along(pairs: list[tuple[Move, Move]], length: float, places: int) -> Along:
    """The field in stretches of the travel: of each pair half the difference of up and down, each over l v."""
    low = min(float(move.position.min()) for pair in pairs for move in pair)
    high = max(float(move.position.max()) for pair in pairs for move in pair)
    edges = np.linspace(low, high, places + 1)
    rows = []
    for pair in pairs:
        sides = []
        for move in pair:
            which = np.clip(np.searchsorted(edges, move.position, side="right") - 1, 0, places - 1)
            count = np.bincount(which, minlength=places)
            if not count.all():
                raise ReductionError(f"too few readings for {places} places along the travel; set reduction.places")
            sides.append(np.bincount(which, move.net, places) / count / (length * move.velocity))
        rows.append(0.5 * (sides[0] + sides[1]))
    values = np.array(rows)
    spread = values.std(axis=0, ddof=1) / math.sqrt(len(rows)) if len(rows) > 1 else np.zeros(places)
    return Along(0.5 * (edges[1:] + edges[:-1]), values.mean(axis=0), spread)


def _differences(pairs: list[tuple[Move, Move]]) -> tuple[Array, Array]:
    """δV of each pair (V), and the velocity it belongs to (m/s)."""
    volts = np.array([0.5 * (float(up.net.mean()) - float(down.net.mean())) for up, down in pairs])
    return volts, np.array([0.5 * (up.velocity - down.velocity) for up, down in pairs])


def _mean(values: Array) -> tuple[float, float, float]:
    """Mean, standard deviation and standard uncertainty of the mean."""
    spread = float(values.std(ddof=1)) if values.size > 1 else 0.0
    return float(values.mean()), spread, spread / math.sqrt(values.size)


def _quantities(
    pairs: list[tuple[Move, Move]],
    absent: list[Move],
    length: float,
    u_length: float,
    shape: Along,
    certificates: Mapping[str, Estimate],
) -> tuple[Quantity, ...]:
    volts, speeds = _differences(pairs)
    fields = volts / (length * speeds)
    volt, spread_v, u_v = _mean(volts)
    field, spread, u = _mean(fields)
    if absent:
        plain, plain_speeds = _differences(_pairs(absent))
        other, _, u_other = _mean(plain / (length * plain_speeds))
        rest_v, _, u_rest_v = _mean(plain)
        field, u, volt, u_v = field - other, math.hypot(u, u_other), volt - rest_v, math.hypot(u_v, u_rest_v)
    u = math.hypot(u, field * u_length / length)
    peak = int(np.argmax(np.abs(shape.field)))
    few = 1.0 / math.sqrt(2.0 * max(len(pairs) - 1, 1))
    u_pairs = np.array([math.hypot(*(move.noise / (length * move.velocity) for move in pair)) / 2.0 for pair in pairs])
    speed, _, u_speed = _mean(speeds)
    u_speed = math.hypot(u_speed, speed * certificates.get("interferometer.gain", Estimate(0.0)).u)
    found = [
        Quantity("delta_v_V", volt, "V", "δV", "induced voltage, half of up minus down", u_v),
        Quantity("std_delta_v_V", spread_v, "V", "s(δV)", "standard deviation of the pairs", few * spread_v),
        Quantity("delta_b_T", field, "T", "ΔB̄", "external field along the wire, inward", u),
        Quantity("std_delta_b_T", spread, "T", "s(ΔB̄)", "standard deviation of the pairs", few * spread),
        Quantity("velocity_m_per_s", speed, "m/s", "v", "mean velocity", u_speed),
        Quantity("wire_length_m", length, "m", "l", "of the coil", u_length),
        Quantity("pairs_delta_b_T", fields, "T", "ΔB̄(j)", "of each pair", u_pairs),
        Quantity("positions_m", shape.z, "m", "z", "places along the travel"),
        Quantity("delta_b_of_position_T", shape.field, "T", "ΔB̄(z)", "at these places", shape.u),
        Quantity(
            "largest_delta_b_T", float(shape.field[peak]), "T", "ΔB̄_max", "the largest of these", float(shape.u[peak])
        ),
    ]
    gap = certificates.get("magnet.bl")
    if gap is not None and not absent and gap.value > 0:
        scale = -length / gap.value
        error = Quantity("epsilon", scale * field, "1", "ε", "of a mass, were the magnet to move", abs(scale) * u)
        found.insert(4, error)
    return tuple(found)


def _curves(moves: list[Move], pairs: list[tuple[Move, Move]], shape: Along) -> tuple[Curve, ...]:
    numbers = np.array([move.number + 1.0 for move in moves])
    net = np.array([float(move.net.mean()) for move in moves]) * 1e6
    noise = np.array([move.noise for move in moves]) * 1e6
    up = np.array([move.velocity > 0 for move in moves])
    lines = tuple(
        Line(name, numbers[which], net[which], noise[which], points=True)
        for name, which in (("up", up), ("down", ~up))
        if which.any()
    )
    return (
        Curve(
            "field_of_position",
            "The external field along the travel, from moves up and down together.",
            ("position", "mm"),
            ("ΔB̄", "µT"),
            (Line("mean of the pairs", shape.z * 1e3, shape.field * 1e6, shape.u * 1e6, points=True),),
        ),
        Curve(
            "net_voltages",
            "Net voltage of each move: its mean less that of the rests before and after it.",
            ("move", "1"),
            ("ΔV̄", "µV"),
            lines,
        ),
    )
