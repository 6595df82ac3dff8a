"""The drive optimiser: optimal, within its limit, and for any hinge."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.oscillator import Oscillator
from scenarios.cli.app import main
from scenarios.studies.drive import OutOfReachError, Task, flatness, scaled_to, steps
from twin.piece import sines

HINGES: dict[str, dict[str, Any]] = {
    "soft": {"natural_frequency": 0.1, "damping_ratio": 0.05},
    "stiff": {"natural_frequency": 4.3, "damping_ratio": 0.02, "effective_mass": 2.0},
    "bent": {"quadratic_stiffness": 3000.0, "cubic_stiffness": 1e7, "actuator_curvature": -1e5},
}


@pytest.mark.parametrize("name", HINGES)
def test_any_hinge_at_any_limit(name: str) -> None:
    o = Oscillator(**HINGES[name])
    free = steps(o, Task(limit=1.0))
    sigmas = [step.flatness.sigma for step in free]
    assert all(b <= a * (1 + 1e-9) for a, b in pairwise(sigmas))
    assert free[-1].improvement > 40
    assert free[-1].flatness.fraction > 0.65
    needed = free[-1].flatness.peak
    limit = 0.8 * max(needed, free[0].flatness.peak * 1.3)
    held = steps(o, Task(limit=limit))
    for step in [*free, *held]:
        assert step.flatness.velocity == pytest.approx(3e-4, rel=1e-9)
    for step in held:
        assert step.flatness.peak <= limit * (1 + 1e-8)
        assert step.flatness.sigma <= held[0].flatness.sigma * (1 + 1e-9)


def test_the_limit_is_kept_and_costs_flatness() -> None:
    o = Oscillator()
    last = 0.0
    for limit in (1.0, 5e-4, 4e-4, 3e-4, 2.2e-4):
        step = steps(o, Task(limit=limit))[-1]
        assert step.flatness.peak <= limit * (1 + 1e-8)
        assert step.limited == (limit < 5.5e-4)
        assert step.flatness.sigma > last or limit == 1.0
        last = step.flatness.sigma


@pytest.mark.parametrize("keys", [{}, {"quadratic_stiffness": 500.0}], ids=["linear", "nonlinear"])
@pytest.mark.parametrize("limit", [1.0, 4e-4])
def test_no_small_change_within_the_limit_is_better(keys: dict[str, Any], limit: float) -> None:
    """Random changes of all harmonics, brought back to the same velocity."""
    o, task = Oscillator(**keys), Task(limit=limit)
    best = steps(o, task)[-1]
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-2):
        for _ in range(20):
            changed = {n: a + size * 2e-4 * complex(*rng.standard_normal(2)) for n, a in best.motion.drive.items()}
            how = flatness(scaled_to(o, changed, task), task.window)
            assert how.sigma > best.flatness.sigma or how.peak > limit


def test_the_second_harmonic_takes_the_tilt_out() -> None:
    """It grows with the quadratic stiffness in proportion, and vanishes without one."""
    second = [steps(Oscillator(quadratic_stiffness=k), Task())[-1].harmonics()[2][0] for k in (0.0, 100.0, 200.0)]
    assert second[0] == 0.0
    assert second[2] / second[1] == pytest.approx(2, rel=1e-2)


def test_twice_the_velocity_takes_twice_the_current() -> None:
    one, two = (steps(Oscillator(), Task(velocity=v, limit=4 * v))[-1] for v in (2e-4, 4e-4))
    for n, a in one.motion.drive.items():
        assert two.motion.drive[n] == pytest.approx(2 * a, abs=1e-12)
    assert two.improvement == pytest.approx(one.improvement, rel=1e-6)


def test_phases_are_told_from_the_first_harmonic() -> None:
    o, task = Oscillator(), Task()
    best = steps(o, task, (1, 3, 5))[-1]
    told = best.harmonics()
    again = scaled_to(o, sines([a for a, _ in told.values()], [p for _, p in told.values()], list(told)), task)
    assert flatness(again, 0.3).sigma == pytest.approx(best.flatness.sigma, rel=1e-6)
    assert told[1][1] == 0.0
    assert all(-math.pi < phase <= math.pi for _, phase in told.values())


def test_a_velocity_out_of_reach_is_an_error() -> None:
    """And the error says which velocity is within reach of a sine."""
    with pytest.raises(
        OutOfReachError, match=r"0\.3 mm/s is not reached: a sine at the limit of 0\.15 mA makes 0\."
    ) as e:
        steps(Oscillator(), Task(limit=1.5e-4))
    told = float(str(e.value).split("makes ")[1].split()[0]) * 1e-3
    steps(Oscillator(), Task(velocity=0.99 * told, limit=1.5e-4), (1,))
    with pytest.raises(OutOfReachError):
        steps(Oscillator(), Task(velocity=1.01 * told, limit=1.5e-4), (1,))


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "drive.png"
    assert main(["drive", "kbmini_oscillating", "--json", "--plot", str(picture)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [step["harmonics"] for step in found["steps"]][-1] == [1, 3, 5, 7, 9, 2]
    assert found["result"]["flat_fraction"] > 0.6
    assert found["current_limit_A"] == 6e-4
    assert picture.stat().st_size > 10_000
    assert main(["drive", "--velocity", "0.1 mm/s", "--limit", "90 uA"]) == 0
    text = capsys.readouterr().out
    assert "1, 3, 5, 7, 9, 2" in text and "at the limit" in text
    assert "−" in text and "-" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kbmini_tmtp"], "cannot be driven; give it 'type: hinge'"),
        (["--velocity", "1 kg"], "--velocity: expected a quantity in m/s"),
        (["--window", "0.6"], "does not fit in half a cycle"),
        (["--velocity", "3"], "3000 mm/s is not reached: a sine at the limit of 0.6 mA makes 0.89 mm/s at 1 Hz"),
        (["--velocity", "30 mm/s", "--limit", "1 A"], "no periodic motion of the hinge at 1 Hz is found"),
        (["--plot", "x.unknown"], "expected a picture format"),
    ],
)
def test_wrong_words(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drive", *words]) == 2
    assert said in capsys.readouterr().err
