"""A source, a resistor, a meter and a stage, as a scenario whose parts are real: served instruments on the loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hw_bridge.bridge import Bridge
from scenarios.run.execute import MODELS
from scenarios.schema import Scenario
from scenarios.schema.scenario import load_text
from tests.hw_bridge.wired import Wired
from twin.real_time import RealTimeClock
from twin.twin import Twin

NOBODY = "TCPIP::127.0.0.1::1::SOCKET"
"""An address where nobody answers."""

TEXT = """
schema: 1
name: bench
balance:
  name: bench
  current_source: {type: compensating_source, limit: 1 mA}
  resistor: {resistance: 1 kohm}
  voltage_reference: {voltage: 1 V}
  induced_voltmeter: {type: voltmeter, range: 10 V, auto_zero: true}
  motion_stage: {lower_limit: -1 mm, upper_limit: 1 mm}
  displacement_sensor: {}
  magnet: {bl: 500 T*m}
  environment: {}
  wiring:
    magnet.temperature_rise: environment.temperature_rise
    resistor.current: current_source.current
    induced_voltmeter.input: resistor.voltage
    induced_voltmeter.reference: voltage_reference.voltage
    displacement_sensor.position: motion_stage.position
campaign: {type: coil_noise, read_time: 1 s, zero_time: 0 s, reading_step: 10 ms}
"""
LIMITS = {
    "current_source": {"current": "1 mA", "voltage": "10 V"},
    "motion_stage": {"lower": "-1 mm", "upper": "1 mm", "velocity": "5 mm/s"},
}
SERVED = {"current_source": "current_source", "induced_voltmeter": "current_voltmeter", "motion_stage": "flexure"}
KINDS = {"current_source": "keithley6221", "induced_voltmeter": "hp3458a", "motion_stage": "pi_gcs"}


def scenario(real: Mapping[str, Any], *, demanded: bool = False, stated: Mapping[str, Any] | None = None) -> Scenario:
    """The bench with ``hardware:`` on some of its parts; `demanded`: another source, simulated, demands the current;
    `stated`: what else is different."""
    text = load_text(TEXT, file="bench.yaml", models=MODELS).with_(stated or {})
    if demanded:
        wired = {"current_source.demand": "demand.current"}
        text = text.with_({"balance.demand": {"type": "compensating_source", "limit": "1 A"}})
        text = text.with_({"balance.wiring": {**text.wiring, **wired}})
    return text.with_({f"balance.{name}.hardware": hardware for name, hardware in real.items()})


def hardware(resources: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Source, meter and stage at these resources, and what is between them."""
    found: dict[str, Any] = {"resistor": {"driver": "artefact"}, "displacement_sensor": {"driver": "artefact"}}
    for name, resource in resources.items():
        found[name] = {"driver": KINDS[name], "resource": resource, "timeout": "20 s", **more}
        if name in LIMITS:
            found[name]["limits"] = LIMITS[name]
    return found


def resources(wired: Wired) -> dict[str, str]:
    """Where the instruments of a station are."""
    return {name: wired.row(there, "socket")["address"] for name, there in SERVED.items()}


def reference(wired: Wired) -> None:
    """What an operator does by hand: reference the axis."""
    with wired.connect("socket", "flexure") as operator:
        operator.send(b"SVO 1 1\nFRF 1\n")
        while operator.query("ONT? 1") != "1=1":
            pass


@contextmanager
def bridged(
    real: Mapping[str, Any],
    *,
    arm: bool = True,
    scale: float | None = None,
    told: list[str] | None = None,
    demanded: bool = False,
    stated: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Bridge, Twin, Mapping[str, Any]]]:
    """Bridge, twin and instruments."""
    chosen = scenario(real, demanded=demanded, stated=stated)
    lines = [] if told is None else told
    with Bridge(chosen, arm=arm, clock=RealTimeClock(scale), tell=lines.append) as bridge:
        twin = Twin(bridge.parts(), chosen.wiring, clock=bridge.clock)
        instruments = bridge.instruments(twin)
        bridge.start()
        yield bridge, twin, instruments


def output(wired: Wired) -> tuple[bool, float]:
    """Of the served source, as its physics has it."""
    source = wired.station.core("current_source").source
    return source.is_connected, source.level
