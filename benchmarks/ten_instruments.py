"""A run in real time with ten instruments, served in a process of their own: by how much are its events late?

python benchmarks/ten_instruments.py [SECONDS]
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hw_bridge.bridge import Bridge
from scenarios.run.execute import MODELS
from scenarios.schema.scenario import load_text
from twin.clock import Process
from twin.real_time import RealTimeClock
from twin.recorder import Schedule
from twin.steps import Step
from twin.store import RunStore
from twin.times import NS
from twin.twin import Twin

METERS = ["induced_voltmeter", *(f"meter_{k}" for k in range(2, 10))]  # of which coil noise needs the first
SERVE = "import sys; from scenarios.cli.app import main; sys.exit(main())"
_PARTS = "".join(f"\n  {name}: {{type: voltmeter, range: 10 V, auto_zero: true}}" for name in METERS)
_WIRES = "".join(
    f"\n    {name}.input: resistor.voltage\n    {name}.reference: voltage_reference.voltage" for name in METERS
)
TEXT = f"""
schema: 1
name: ten_instruments
balance:
  name: ten_instruments
  current_source: {{type: compensating_source, limit: 1 mA}}
  resistor: {{resistance: 1 kohm}}
  voltage_reference: {{voltage: 1 V}}
  environment: {{}}{_PARTS}
  wiring:
    resistor.current: current_source.current{_WIRES}
campaign: {{type: coil_noise, read_time: 1 s, zero_time: 0 s, reading_step: 10 ms}}
"""


def campaign(clock: Any, there: Any, seconds: int) -> list[Step]:
    """Each second a current is set, and all nine meters read it in ten apertures of 20 ms."""
    source, meters = there["current_source"], [there[name] for name in METERS]

    def second(number: int) -> Process:
        end = clock.now + NS
        yield from source.set(1e-4 * (1 + number % 5), 0.2)
        schedule = Schedule(clock.now + NS // 5, NS // 50, 10)
        yield clock.together([meter.read(schedule, {"phase": "rest", "cycle": number}) for meter in meters])
        yield clock.until(end)

    return [Step(f"second {k}", NS, lambda k=k: second(k), "rest", k) for k in range(seconds)]


def lag(seconds: int = 20) -> tuple[dict[str, float], str]:
    """The account of the run's lag, and what the served side says of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ten_instruments.yaml"
        file.write_text(TEXT)
        command = [sys.executable, "-c", SERVE, "serve", str(file), "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
            assert served.stdout is not None
            told = json.loads(served.stdout.readline())["instruments"]
            found = {row["name"]: row["address"] for row in told if row["transport"] == "socket"}
            try:
                account = _run(found, seconds, Path(folder) / "run")
            finally:
                served.send_signal(signal.SIGTERM)
                _, err = served.communicate(timeout=60)
    return account, re.sub(r"^note: ", "", err.strip().splitlines()[-1])


def _run(resources: dict[str, str], seconds: int, folder: Path) -> dict[str, float]:
    real: dict[str, Any] = {"resistor": {"driver": "artefact"}}
    for name in ("current_source", *METERS):  # and not the scanners and the station, which are served too
        driver = "hp3458a" if name in METERS else "keithley6221"
        limits = {} if name in METERS else {"limits": {"current": "1 mA", "voltage": "10 V"}}
        real[name] = {"driver": driver, "resource": resources[name], "timeout": "20 s", "interval": "20 ms", **limits}
    scenario = load_text(TEXT, file="ten_instruments.yaml", models=MODELS)
    scenario = scenario.with_({f"balance.{name}.hardware": hardware for name, hardware in real.items()})
    clock = RealTimeClock()
    with Bridge(scenario, arm=True, clock=clock, tell=lambda text: None) as bridge, RunStore(folder) as store:
        twin = Twin(bridge.parts(), scenario.wiring, clock=clock)
        there = bridge.instruments(twin)
        store.follow(twin.recorder)
        bridge.start()
        there["current_source"].connect()
        twin.run(campaign(clock, there, seconds))
        assert len(twin.recorder.readings) == seconds * len(METERS)
    return clock.lag.summary()


if __name__ == "__main__":
    account, served = lag(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    print({key: round(value * 1e3, 3) if key.endswith("_s") else value for key, value in account.items()}, "ms")
    print("served side:", served)
