"""Twins that do not believe what they are told: what was read has the errors and the noise of what read it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from components.fed import Fed
from scenarios.run.ensemble import Ensemble
from scenarios.run.replay import Replay, certain, drawn, noisy
from scenarios.schema import Scenario
from tests.hw_bridge.test_following import NAMES, SENSOR, scenario
from twin.command import command
from twin.piece import Piece, constant, ramp
from twin.recorder import INTEGRATED, LATE, Block, Schedule
from twin.times import NS, Times

STATION = {"identify": "ID", "temperature": "T?", "pressure": "P?"}
AIR = {"driver": "generic_station", "resource": "TCPIP::127.0.0.1::9::SOCKET", "commands": STATION, "interval": "1 s"}


def real(name: str, **more: Any) -> dict[str, Any]:
    resource = "TCPIP::127.0.0.1::9::SOCKET"
    return {name: {"driver": NAMES[name], "resource": resource, "commands": SENSOR, "interval": "1 s", **more}}


def told(twin: Replay, instrument: str, quantity: str, *laws: Piece) -> Any:
    """What an output is after the laws were told."""
    for timeline, law in ((f"knows_{quantity}", (constant(1.0, laws[0].start),)), (f"told_{quantity}", laws)):
        twin.follow(command(instrument, timeline, law, laws[0].start))
    return twin.twin.signal(f"{instrument}.{quantity}")


def at(signal: Any, *seconds: float) -> NDArray[np.float64]:
    return np.asarray(signal.at(Times(np.array([round(t * NS) for t in seconds]))))


def steps(values: NDArray[np.float64], begin: int = 10) -> list[Piece]:
    """Lines from reading to reading, a second each."""
    starts = range(begin * NS, (begin + len(values)) * NS, NS)
    return [ramp(float(a), float(b), t, t + NS) for t, (a, b) in zip(starts, pairwise(values), strict=False)]


def part(twin: Replay, name: str) -> Any:
    return twin.twin.graph.components[name]


def test_what_was_read_is_wrong_by_the_offset_of_each_balance_and_the_run_believes_it() -> None:
    uncertain = {"temperature_offset": 10e-3, "pressure_offset": 5.0}
    chosen = scenario({"environment": AIR}, balance__environment__uncertainties=uncertain)
    assert at(told(Replay(certain(chosen), quiet=True), "environment", "temperature", constant(295.0, 0)), 1.0) == 295.0
    offsets = []
    for number in range(4):
        twin = Replay(drawn(chosen, number), quiet=True, doubting=True)
        offsets.append(part(twin, "environment").temperature_offset)
        assert at(told(twin, "environment", "temperature", constant(295.0, 0)), 1.0) == 295.0 - offsets[-1]
        pressure = at(told(twin, "environment", "pressure", constant(1e5, 0)), 1.0)
        assert pressure == 1e5 - part(twin, "environment").pressure_offset
    assert len({0.0, *offsets}) == 5


GAINS: dict[str, tuple[str, dict[str, float], float, float]] = {
    "interferometer": ("position", {"gain": 1e-6}, 2e-3, 2e-9),
    "magnet_thermometer": ("temperature_rise", {"offset": 5e-3}, 1.0, 5e-3),
    "fluxgate": ("field", {"gain": 1e-2, "offset": 1e-6}, 48e-6, 0.01 * 48e-6 + 1e-6),
    "current_voltmeter": ("voltage", {"gain": 2e-6}, 5.0, 1e-5),
}
"""Of each instrument: what it reads, its errors, a reading, and how wrong that is."""


@pytest.mark.parametrize("name", GAINS)
def test_each_instrument_errs_as_its_own_readings_do(name: str) -> None:
    quantity, errors, shown, wrong = GAINS[name]
    uncertain = {f"balance.{name}.{key}": value for key, value in errors.items()}
    chosen = scenario(real(name)).with_(uncertain)
    twin = Replay(certain(chosen), quiet=True, doubting=True)
    before = at(told(Replay(certain(chosen), quiet=True), name, quantity, constant(shown, 0)), 1.0)
    assert before - at(told(twin, name, quantity, constant(shown, 0)), 1.0) == pytest.approx(wrong, rel=1e-3)


@pytest.mark.parametrize("aperture", [None, NS // 10])
def test_noise_is_that_of_each_reading_for_as_long_as_it_looked(aperture: int | None) -> None:
    chosen = scenario(real("magnet_thermometer"), balance__magnet_thermometer__white_noise=1e-3)
    twin = Replay(noisy(chosen, 0), doubting=True)
    told(twin, "magnet_thermometer", "temperature_rise", constant(0.5, 0))
    if aperture is not None:
        law = constant(aperture / NS, 5 * NS)
        twin.follow(command("magnet_thermometer", "aperture_temperature_rise", (law,), 5 * NS))
    still = [constant(0.5, (10 + k) * NS, (11 + k) * NS) for k in range(400)]
    signal = told(twin, "magnet_thermometer", "temperature_rise", *still)
    nodes = at(signal, *(11.0 + k for k in range(400))) - 0.5
    assert np.std(nodes) == pytest.approx(1e-3 / (2 * (aperture or NS) / NS) ** 0.5, rel=0.15)
    assert abs(np.corrcoef(nodes[1:], nodes[:-1])[0, 1]) < 0.2
    middles = at(signal, *(11.5 + k for k in range(399))) - 0.5
    assert middles == pytest.approx(0.5 * (nodes[1:] + nodes[:-1]), abs=1e-12)


def test_what_is_told_line_by_line_has_no_steps() -> None:
    """As a run tells it: each line begins where the one before has ended, with the noise that it ended with."""
    chosen = scenario(real("magnet_thermometer"), balance__magnet_thermometer__white_noise=1e-3)
    twin = Replay(noisy(chosen, 0), doubting=True)
    told(twin, "magnet_thermometer", "temperature_rise", constant(0.5, 0))
    nodes = list[float]()
    for k in range(10, 20):
        law = ramp(0.5, 0.5, k * NS, (k + 1) * NS)
        signal = told(twin, "magnet_thermometer", "temperature_rise", law)
        if k > 10:
            before, node = at(signal, k - 1e-9, k)
            assert node == pytest.approx(before, abs=1e-9)
            nodes.append(node)
    assert np.ptp(nodes) > 1e-4


def test_readings_that_came_late_have_noise_of_their_own() -> None:
    """Told twice in a second, a reading of a second each: their noise is not shared."""
    chosen = scenario(real("magnet_thermometer"), balance__magnet_thermometer__white_noise=1e-3)
    twin = Replay(noisy(chosen, 0), doubting=True)
    found = list[float]()
    for k in range(200):
        start = 10 * NS + k * (NS // 10)
        signal = told(twin, "magnet_thermometer", "temperature_rise", constant(0.5, start))
        found.append(at(signal, start / NS)[0])
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.25


def test_what_goes_on_within_the_latency_is_doubted_too() -> None:
    """A rise of 10 mK/s, followed two seconds late: somewhere between what is told and 20 mK more."""
    chosen, shares = scenario(real("magnet_thermometer")), []
    for number in range(6):
        twin = Replay(noisy(chosen, number), doubting=True)
        told(twin, "magnet_thermometer", "temperature_rise", constant(0.0, 0))
        signal = told(twin, "magnet_thermometer", "temperature_rise", *steps(0.01 * np.arange(10.0)))
        ahead = at(signal, 15.0, 16.0) - np.array([0.05, 0.06])
        assert ahead[0] == pytest.approx(ahead[1], abs=1e-12)
        shares.append(float(ahead[0]) / 0.02)
    assert 0.0 <= min(shares) < 0.4 and 0.6 < max(shares) <= 1.0


def test_an_uncertain_calibration_is_drawn_once() -> None:
    chosen, found = scenario(real("magnet_thermometer", calibration={"u": 0.1})), []
    for number in range(8):
        twin = Replay(drawn(chosen, number), quiet=True, doubting=True)
        signal = told(twin, "magnet_thermometer", "temperature_rise", constant(0.5, 0))
        signal = told(twin, "magnet_thermometer", "temperature_rise", *steps(np.full(5, 0.5)))
        found.append(at(signal, 1.0, 12.0, 14.0) - 0.5)
        assert np.ptp(found[-1]) < 1e-12
    assert 0.04 < np.std([row[0] for row in found]) < 0.2


def looked(chosen: Scenario, source: Any, members: int = 6) -> tuple[float, float]:
    """What errors and noise add to a reading of the thermometer, while the air that it stands in is told."""
    ensemble = Ensemble.of(chosen, members)
    for timeline, law in (("knows_temperature", constant(1.0, 0)), ("told_temperature", constant(298.0, 0))):
        ensemble.follow(command("environment", timeline, (law,), 0))
    schedule = Schedule(5 * NS, NS, 4)
    labels = {LATE: 0.0, INTEGRATED: 0.1} if source == "real" else {}
    values = np.zeros((1, 4))
    block = Block("magnet_thermometer", "temperature_rise", "K", schedule, NS, values, labels, source)
    found = ensemble.predict(block)
    assert found is not None and found.expected == pytest.approx(-0.15)
    return float(np.std(found.errors.mean(axis=1))), float(np.std(found.noise))


def test_what_is_real_is_predicted_with_doubt_and_what_is_simulated_without() -> None:
    """The simulated one has read in air as it was told; a real one reads in the true air."""
    room: dict[str, Any] = {
        "balance__environment__uncertainties": {"temperature_offset": 10e-3},
        "balance__environment__temperature_noise": 50e-3,
    }
    chosen = scenario({"environment": AIR}, **room)
    errors, noise = looked(chosen, "simulated")
    assert (errors, noise) == (0.0, 0.0)
    errors, noise = looked(scenario({"environment": AIR, **real("magnet_thermometer")}, **room), "real")
    assert 3e-3 < errors < 30e-3 and 10e-3 < noise < 100e-3


def test_every_part_that_is_fed_says_how_it_errs() -> None:
    """A part of a laboratory that does not is told so when its readings are to drive something."""

    def kinds(kind: type) -> set[type]:
        return {kind}.union(*(kinds(below) for below in kind.__subclasses__()))

    assert all(kind.error is not Fed.error for kind in kinds(Fed) - {Fed} if kind.__module__.startswith("components."))
