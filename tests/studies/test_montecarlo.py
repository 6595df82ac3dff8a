"""Monte Carlo: intervals of known distributions, and the command."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import scenarios
from scenarios.cli.app import main
from scenarios.studies.montecarlo import Distribution
from scenarios.studies.trueness import Score

SHORT = ["--set=campaign.cycles=1", "--set=thermal.start=ambient", "--set=campaign.velocity.cycles=20"]


def distribution(errors: np.ndarray, u: float, coverage: float = 0.95) -> Distribution:
    return Distribution.of([Score(i, float(x), u) for i, x in enumerate(errors)], coverage)


def quantiles(law: object, count: int = 4001) -> np.ndarray:
    """As many values as evenly spread as they can be, shuffled."""
    values = law.ppf((np.arange(count) + 0.5) / count)  # type: ignore[attr-defined]
    return np.random.default_rng(1).permutation(values)


def test_normal_errors_validate_the_gum() -> None:
    found = distribution(quantiles(stats.norm(0.0, 2e-8), 100_001), 2e-8)
    assert found.u == pytest.approx(2e-8, rel=1e-3) and found.mean == pytest.approx(0.0, abs=1e-11)
    assert found.symmetric == pytest.approx(found.gum, rel=1e-3)
    assert found.shortest == pytest.approx(found.gum, rel=1e-2)
    assert found.tolerance == pytest.approx(0.5e-9)
    assert found.validated is True


def test_a_bias_or_a_wrong_uncertainty_is_found_out() -> None:
    errors = quantiles(stats.norm(0.0, 2e-8), 20_001)
    assert distribution(errors + 2e-8, 2e-8).validated is False
    assert distribution(errors, 1e-8).validated is False
    assert distribution(errors[:50], 2e-8).validated is None


def test_rectangular_errors_have_a_shorter_interval_than_the_gum_says() -> None:
    """JCGM 101, 9.2.3: ±0.95 √3 u instead of ±1.96 u."""
    found = distribution(quantiles(stats.uniform(-math.sqrt(3.0), 2 * math.sqrt(3.0))), 1.0)
    assert found.symmetric == pytest.approx((-0.95 * math.sqrt(3), 0.95 * math.sqrt(3)), rel=1e-3)
    assert found.gum[1] == pytest.approx(1.96, rel=1e-3)


def test_the_shortest_interval_of_skew_errors() -> None:
    """Of an exponential distribution it starts at its end: 0 to −ln 0.05."""
    found = distribution(quantiles(stats.expon()), 1.0)
    assert found.shortest == pytest.approx((0.0, -math.log(0.05)), abs=5e-3)
    assert found.symmetric == pytest.approx((-math.log(0.975), -math.log(0.025)), abs=1e-2)


def test_refused_trials_count_and_too_few_are_refused() -> None:
    scores = [Score(i, math.nan if i < 3 else 1e-8 * i, 1e-8) for i in range(30)]
    assert Distribution.of(scores, 0.9).refused == 3
    with pytest.raises(ValueError, match="needs 20 at least"):
        Distribution.of(scores[:10], 0.95)


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its numbers are those of the seeds 1 to n, in any number of processes."""
    picture = tmp_path / "m.svg"
    words = ["montecarlo", "kbmini_tmtp", "-n", "3", "--coverage", "0.6", *SHORT]
    assert main([*words, "--workers", "1", "--plot", str(picture), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    base = scenarios.load("kbmini_tmtp", [word.removeprefix("--set=") for word in SHORT])
    errors = [base.with_(seed=seed).run().relative_error for seed in range(1, 4)]
    assert found["u"] == pytest.approx(np.std(errors, ddof=1)) and found["trials"] == 3
    assert found["interval"][0] < found["interval"][1]
    assert "Monte Carlo" in picture.read_text()
    assert main([*words, "--workers", "1"]) == 0
    assert "3 trials; relative errors of the mass" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["kbmini_tmtp", "-n", "10"], "an interval of 0.95 needs 20 trials, not 10"),
        (["kbmini_tmtp", "--coverage", "1.2"], "expected a number between 0 and 1"),
        (["moving_mode"], "its campaign reports no mass"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["montecarlo", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
