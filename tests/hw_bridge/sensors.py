"""What the conformance suite looks at besides source, meter and stage: sensors, a switch box and an exchanger."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import hw_bridge.drivers.sios
from components.displacement_sensor import DisplacementSensor
from components.fluxgate import Fluxgate
from components.interferometer import Interferometer
from components.position_detector import PositionDetector
from components.thermometer import Thermometer
from hw_bridge.drivers.driver import Driver
from tests.hw_bridge.standin_siosifm import Library
from tests.hw_bridge.subjects import bench, driver, named, opened

SOURCE = Path(__file__).parent / "standin_siosifm.c"
DAQ: Mapping[str, Mapping[str, str | float]] = {
    "daq_fluxgate": {"field": "ai0", "field_scale": "205 uT/V"},
    "daq_displacement_sensor": {"position": "ai1", "position_scale": "10 um/V", "position_zero": "0.5 V"},
    "daq_position_detector": {
        **{q: f"ai{k}" for k, q in enumerate(("x", "y", "theta_x", "theta_y"))},
        **dict.fromkeys(("x_scale", "y_scale"), "0.1 mm/V"),
        **dict.fromkeys(("theta_x_scale", "theta_y_scale"), "1 mrad/V"),
    },
}
VOLTS = {"ai0": 0.25, "ai1": -1.5, "ai2": 3.0, "ai3": 0.125}
MEANT: Mapping[str, Mapping[str, float]] = {
    "daq_fluxgate": {"field": 0.25 * 205e-6},
    "daq_displacement_sensor": {"position": -2.0 * 10e-6},
    "daq_position_detector": {"x": 25e-6, "y": -150e-6, "theta_x": 3e-3, "theta_y": 0.125e-3},
}
"""What the volts mean, by hand."""


@dataclass
class Sensor:
    """An instrument in a role that reads, and what it is to read, where somebody knows."""

    instrument: Any
    clock: Any
    recorder: Any
    units: Mapping[str, str]
    truth: Mapping[str, float] | None

    def run(self, operation: Any) -> Any:
        """Do it."""
        return self.clock.run(operation)


UNITS = {
    "Thermometer": {"temperature_rise": "K"},
    "Fluxgate": {"field": "T"},
    "DisplacementSensor": {"position": "m"},
    "PositionDetector": {"x": "m", "y": "m", "theta_x": "rad", "theta_y": "rad"},
    "Interferometer": {"position": "m"},
}


TRUTH = {
    "Thermometer": {"temperature_rise": 1.25},
    "Fluxgate": {"field": 48e-6},
    "DisplacementSensor": {"position": -20e-6},
    "PositionDetector": {"x": 25e-6, "y": -150e-6, "theta_x": 3e-3, "theta_y": 0.125e-3},
    "Interferometer": {"position": 0.4e-3},
}
SIMULATED: Mapping[str, Any] = {
    "Thermometer": Thermometer,
    "Fluxgate": Fluxgate,
    "DisplacementSensor": DisplacementSensor,
    "PositionDetector": PositionDetector,
    "Interferometer": Interferometer,
}


def simulated(role: str) -> Sensor:
    """On a bench of nothing else."""
    from tests.components.bench import bench as alone

    twin = alone(SIMULATED[role](), "sensor", **TRUTH[role])
    return Sensor(twin.graph.components["sensor"], twin.clock, twin.recorder, UNITS[role], TRUTH[role])


@contextmanager
def standing(made: Driver, truth: Mapping[str, float] | None) -> Iterator[Sensor]:
    """A driver, open until the end."""
    lent = made.bench
    with opened(made):
        yield Sensor(made, lent.clock, lent.recorder, UNITS[made.role], truth)


@contextmanager
def hardware_sensor(given: str) -> Iterator[Sensor]:
    """What stands on the command line."""
    with standing(named(given, bench(1.0)), None) as made:
        yield made


def interferometer(path: str, **more: Any) -> Driver:
    """The driver of SIOS, with the stand-in."""
    settings = {"library": path, "channel": 2, "rate": "1 kHz", **more}
    return driver("z", "sios", "USB::0", bench(), settings=settings)


COMPILER = shutil.which("cc") or shutil.which("gcc")
PYTHON = "python"
"""In the place of a path: the stand-in in Python."""


@contextmanager
def siosifm(folder: Path, language: str) -> Iterator[tuple[Any, str]]:
    """The stand-in for the library of SIOS, in C or in Python, and where it is."""
    if language == "c":
        if COMPILER is None:
            pytest.skip("no C compiler for the stand-in of siosifm")
        path = folder / "libstandin.so"
        subprocess.run([COMPILER, "-shared", "-fPIC", "-o", str(path), str(SOURCE)], check=True, capture_output=True)
        library = ctypes.CDLL(str(path))
        library.SetLength.argtypes = [ctypes.c_int, ctypes.c_double, ctypes.c_double]
        yield library, str(path)
        return
    standin, known = Library(), hw_bridge.drivers.sios.loaded
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hw_bridge.drivers.sios, "loaded", lambda path: standin if path == PYTHON else known(path))
        yield standin, PYTHON
