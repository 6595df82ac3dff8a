"""A full disk: one clear line, nothing lost, and the same command goes on. A limit on file sizes stands for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from scenarios.cli.app import main
from scenarios.report.theme import fresh_look, panels, save
from scenarios.run.output import OutputError, check_room

resource: Any = pytest.importorskip("resource")

SWEEP = """\
study: 1
scenario: nist4_tmtp
axes:
  p: {path: balance.scale, from: 0.25, to: 1, points: 40}
outputs: [diameter, magnet_mass]
"""
FRONT = """\
study: 1
scenario: nist4_tmtp
axes:
  p: {path: balance.scale, from: 0.25, to: 1}
sampling: {method: sobol, points: 8}
outputs: [diameter]
objectives: [magnet_mass, resistance]
"""
RUN = "from scenarios.cli.app import main; import sys; sys.exit(main(sys.argv[1:]))"


def limited(folder: Path, bytes_: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A command that may not write larger files."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))

    return subprocess.run(
        [sys.executable, "-B", "-c", RUN, *words], cwd=folder, preexec_fn=limit, capture_output=True, text=True
    )


def points(path: Path) -> int:
    return path.read_bytes().count(b"\n")


@pytest.mark.parametrize("bytes_", [2_000, 12_000])
def test_a_sweep(bytes_: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is full at a point, or when all are there and are to be written."""
    (tmp_path / "s.yaml").write_text(SWEEP)
    words = ["sweep", "s.yaml", "--workers", "1", "--out", "s.nc"]
    done = limited(tmp_path, bytes_, *words)
    assert done.returncode == 2
    *_, error = done.stderr.splitlines()
    assert "file too large" in error and "go on with --resume" in error and "Traceback" not in done.stderr
    kept = points(tmp_path / ".s.nc.points")
    assert kept == 40 or (0 < kept < 40 and bytes_ == 2_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".s.nc.points", "s.yaml"]
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--resume"]) == 0
    with xr.open_dataset(tmp_path / "s.nc") as data:
        assert np.isfinite(data["magnet_mass"].values).all() and data.sizes == {"p": 40}


def test_an_optimisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "o.yaml").write_text(FRONT)
    words = ["optimise", "o.yaml", "--workers", "1", "--generations", "3", "--out", "o.nc"]
    done = limited(tmp_path, 2_000, *words)
    assert done.returncode == 2 and "go on with --resume" in done.stderr
    monkeypatch.chdir(tmp_path)
    assert main([*words, "--resume"]) == 0
    assert "of 32 points had finished" in capsys.readouterr().err


def test_a_blind_campaign_leaves_nothing_half(tmp_path: Path) -> None:
    """Neither a run without a seal, nor a seal without its run."""
    (tmp_path / "passphrase").write_text("correct horse\n")
    short = ["--set", "campaign.cycles=2", "--set", "thermal.start=ambient", "--passphrase-file", "passphrase"]
    done = limited(tmp_path, 50_000, "blind", "kbmini_tmtp", "--out", "b", *short)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no room for ") and done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["passphrase"]


def test_an_older_picture_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "p.png"
    with fresh_look():
        save(panels(1.0).figure, picture)
        before = picture.read_bytes()
        with pytest.MonkeyPatch.context() as patch, pytest.raises(OutputError, match=r"no space left.*is not saved"):
            patch.setattr(Path, "write_bytes", _full)
            save(panels(2.0).figure, picture)
    assert picture.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["p.png"]


def _full(self: Path, data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_what_has_room_is_not_refused(tmp_path: Path) -> None:
    check_room(tmp_path, 1_000_000)
    assert not list(tmp_path.iterdir())
