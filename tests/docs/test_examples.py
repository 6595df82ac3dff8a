"""The scripts of docs/examples run, and say what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import scenarios

DOCS = Path(__file__).parents[2] / "docs"


def example(name: str) -> ModuleType:
    spec = spec_from_file_location(name, DOCS / "examples" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sizes_on_the_page() -> dict[str, tuple[float, float, float]]:
    """Size, diameter (mm) and mass (kg) by choice."""
    page = (DOCS / "how-small.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| ([\d.]+) \| (\d+) mm \| (\d+) kg \|$", page, re.MULTILINE)
    return {name: (float(p), float(diameter), float(mass)) for name, p, diameter, mass in rows}


def agrees(name: str) -> bool:
    """Whether the page's row is what the example finds."""
    (boundary,) = example("how_small").answers([name]).values()
    size = boundary.smallest
    return sizes_on_the_page()[name] == (round(size.value, 3), round(size.diameter_mm), round(size.mass_kg))


def test_the_size_on_the_page() -> None:
    assert agrees("TMTP, SmCo, half the period")
    assert set(sizes_on_the_page()) == set(example("how_small").QUESTIONS)


@pytest.mark.nightly
@pytest.mark.parametrize("name", sizes_on_the_page())
def test_every_size_on_the_page(name: str) -> None:
    assert agrees(name)


def test_a_component_of_another_package() -> None:
    """Built, installed into a folder of its own, found, wired, and as large as it should be."""
    done = subprocess.run([sys.executable, DOCS / "examples" / "own_component.py"], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    lines = re.findall(r"error of the mass (\S+), expected (\S+)$", done.stdout, re.MULTILINE)
    (off, nothing), (found, expected) = ((float(a), float(b)) for a, b in lines)
    assert abs(off) < 1e-12 and nothing == 0.0
    assert found == pytest.approx(expected, rel=0.01) and expected == -2.8e-6


def test_hardware_in_the_loop() -> None:
    """Bl and the resistance of the twin, through three languages and four sockets."""
    pytest.importorskip("pyvisa_py")
    script = DOCS / "examples" / "hardware_in_the_loop.py"
    done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0
    balance = scenarios.load("kbmini_tmtp").scenario.resolved["balance"]
    (bl,) = re.findall(r"^Bl = (\S+) T·m$", done.stdout, re.MULTILINE)
    assert float(bl) == pytest.approx(balance["magnet"]["bl"], rel=5e-4)
    (cold, warm) = map(float, re.findall(r"^coil: (\S+) Ω, (\S+) Ω", done.stdout, re.MULTILINE)[0])
    assert cold == pytest.approx(balance["coil"]["resistance"], rel=1e-3)
    assert 0.3 < warm - cold < 5.0
