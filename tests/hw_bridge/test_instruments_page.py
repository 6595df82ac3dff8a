"""docs/instruments.md: its example is what a scenario takes, and its table has every driver."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scenarios.schema.hardware import Hardware
from scenarios.schema.scenario import load_text
from tests.hw_bridge.subjects import bench
from twin import plugins

PAGE = (Path(__file__).parents[2] / "docs" / "instruments.md").read_text(encoding="utf-8")
HEAD = "schema: 1\nextends: [kbmini_tmtp, balances/magnet_moving]\n"


def test_the_example_is_a_scenario() -> None:
    from scenarios.run.execute import MODELS

    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    hardware = load_text(HEAD + example[1], models=MODELS).hardware
    assert set(hardware) == {"current_source", "resistor", "current_voltmeter", "motion_stage"}
    assert hardware["current_source"].limits.current == 10e-3
    assert hardware["motion_stage"].interlocks[0].port == "current_source.current"
    assert all(isinstance(entry, Hardware) for entry in hardware.values())


def test_the_other_example_makes_drivers() -> None:
    from scenarios.run.execute import MODELS

    _, example, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    hardware = load_text(HEAD + example, models=MODELS).hardware
    assert set(hardware) == {"current_source", "magnet_thermometer", "displacement_sensor"}
    made: dict[str, Any] = {}
    for name, entry in hardware.items():
        made[name] = plugins.load(plugins.DRIVERS, entry.driver)(name, entry, None, bench())
    assert (made["current_source"].coarse.limit, made["current_source"].fine.limit) == (10e-3, 2e-6)
    assert made["magnet_thermometer"].ice_resistance == 100.0123
    assert made["displacement_sensor"].scales == {"position": pytest.approx(10e-6)}


def test_the_words_of_an_unknown_instrument_make_drivers() -> None:
    from scenarios.run.execute import MODELS

    *_, example = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    hardware = load_text(HEAD + example, models=MODELS).hardware
    source, meter = (
        plugins.load(plugins.DRIVERS, entry.driver)(name, entry, None, bench()) for name, entry in hardware.items()
    )
    assert source.commands["output_on"] == "1" and float(source.commands["tolerance"]) == 1e-9
    assert source.rounding(0.0) == pytest.approx(1e-9, rel=1e-3) and "again" in meter.commands


def test_the_table_has_every_driver() -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(plugins.names(plugins.DRIVERS))
