"""``kibble-twin blind``: a campaign with a secret mass, sealed until an analysis has answered."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenarios.cli.arguments import SOURCE_HELP, Json, Settings, check_picture, experiment
from scenarios.cli.exit_codes import UsageError
from scenarios.cli.progress import Bar, busy
from scenarios.cli.terminal import show, show_json, show_table

if TYPE_CHECKING:
    from scenarios.run.experiment import Experiment
    from scenarios.studies.blind import Secret, Verdict
    from scenarios.studies.sealed import Seal

PASSPHRASE = "KIBBLE_TWIN_PASSPHRASE"
"""The environment variable that may hold the passphrase."""
_SEALED = ".sealed.json"


Hidden = Annotated[
    str | None,
    typer.Argument(metavar="FILE|NAME", help=SOURCE_HELP + " Not with --open.", show_default=False),
]

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Publish the readings there, as run --out does, without any truth; beside it DIR.sealed.json, and "
        "DIR.sealed.sha256 with its hashes.",
        show_default=False,
    ),
]

Within = Annotated[str, typer.Option(help="How far the mass may be off, relative: a number, ppm or %.")]

Hide = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY.PATH=WIDTH",
        help="Also an error of a part, drawn from ± WIDTH, such as balance.interferometer.gain='0.5 ppm'. May be "
        "repeated.",
        show_default=False,
    ),
]

Open = Annotated[
    Path | None,
    typer.Option("--open", metavar="SEALED", help="Open a sealed file against --answer.", show_default=False),
]

Answer = Annotated[
    Path | None,
    typer.Option(
        metavar="RESULT",
        help="What an analysis has found: a result folder, or JSON with mass_kg and u_mass_kg.",
        show_default=False,
    ),
]

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"Its first line is the passphrase; else {PASSPHRASE} of the environment, else it is asked for.",
        show_default=False,
    ),
]

Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="With --open: draw the answer beside the true mass, and every hidden error: png, svg.",
        show_default=False,
    ),
]


def blind(
    scenario: Hidden = None,
    settings: Settings = None,
    out: Out = None,
    within: Within = "5 ppm",
    hide: Hide = None,
    open_: Open = None,
    answer: Answer = None,
    passphrase_file: PassphraseFile = None,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Hide a mass: does an analysis find it?

    The true mass and some errors are drawn in secret and sealed with a passphrase. The published run has no truth. With
    --open the seal is broken, and the answer compared.
    """
    if plot is not None:
        check_picture(plot)
        if open_ is None:
            raise UsageError("--plot goes with --open SEALED: until then there is nothing to show")
    if open_ is not None:
        if answer is None or scenario is not None or out is not None or hide or settings:
            raise UsageError("--open SEALED goes with --answer RESULT, and nothing else is run")
        _open(open_, answer, passphrase_file, plot, as_json=as_json)
    elif scenario is None or out is None or answer is not None:
        raise UsageError("give a scenario and --out DIR; or --open SEALED and --answer RESULT")
    else:
        _close(experiment(scenario, settings), out, within, hide or [], passphrase_file, as_json=as_json)


# --- sealing ---------------------------------------------------------------------------------------------------------


def _close(
    chosen: Experiment, out: Path, within: str, hide: list[str], passphrase_file: Path | None, *, as_json: bool
) -> None:
    from scenarios.run.output import OutputFolder
    from scenarios.studies.blind import drawn, published_of, run_blind, spreads
    from scenarios.studies.sealed import seal
    from twin.parameter import to_si

    try:
        share = to_si(within, "1")
    except ValueError as error:
        raise UsageError(f"--within: {error}") from error
    widths = spreads(chosen, _widths(hide), share)
    folder = OutputFolder(out)
    folder.check()
    sealed, sidecar = beside(out)
    taken = next((path for path in (sealed, sidecar) if path.exists()), None)
    if taken is not None:
        raise UsageError(f"{taken} is there already; move it, or choose another --out")
    chosen.check()
    passphrase = _passphrase(passphrase_file, twice=True)
    seal({}, passphrase)  # what cannot be sealed is not run
    secret, public = drawn(chosen, widths), published_of(chosen)
    with folder.claimed():
        with Bar(chosen, resume=False) as bar:
            result = run_blind(chosen, secret, public, bar)
        made = _published(folder, result, secret, passphrase, (sealed, sidecar))
    if as_json:
        hashes = {"sealed_sha256": made.file, "content_sha256": made.content}
        show_json({"scenario": chosen.scenario.name, "out": str(out), "sealed": str(sealed), **hashes})
    else:
        mass = result.mass
        show(f"{chosen.scenario.name}: {len(secret.hidden)} secret values; readings in {out}, sealed in {sealed}")
        show(f"SHA-256 of the seal, to publish: {made.file}")
        show(f"the twin's own reduction finds {mass.mass_kg:.10g} kg, u = {mass.u_mass_kg:.2g} kg")
        show(f"to open: kibble-twin blind --open {sealed} --answer RESULT")


def _widths(hide: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in hide:
        path, equals, width = text.partition("=")
        if not (path and equals and width) or path in found:
            raise UsageError(f"--hide: expected KEY.PATH=WIDTH once for each, not {text!r}")
        found[path] = width
    return found


def beside(out: Path) -> tuple[Path, Path]:
    """The sealed file of a folder, and its hashes."""
    sealed = out.with_name(out.name + _SEALED)
    return sealed, sealed.with_suffix(".sha256")


def _published(folder: Any, result: Any, secret: Secret, passphrase: str, files: tuple[Path, Path]) -> Seal:
    """Write the readings, then the seal and its hashes."""
    from dataclasses import replace

    from scenarios.run.export import write_run
    from scenarios.run.output import BLOCKS, SCENARIO, SUMMARY
    from scenarios.studies.blind import sha256_of
    from scenarios.studies.sealed import seal

    made: list[tuple[bytes, Seal]] = []

    def write(target: Path) -> None:
        write_run(result, target / BLOCKS)
        (target / SCENARIO).write_text(result.scenario.to_yaml(), encoding="utf-8")
        bound = replace(secret, scenario_hash=result.scenario.hash, record_sha256=sha256_of(target / BLOCKS))
        made.append(seal(bound.plain(), passphrase))
        hashes = {"sealed_sha256": made[0][1].file, "content_sha256": made[0][1].content}
        summary = json.dumps({**result.summary(), "blind": hashes}, indent=2, allow_nan=False)
        (target / SUMMARY).write_text(summary + "\n", encoding="utf-8")
        sealed, sidecar = files  # before the run is in place: a published run has a seal
        sealed.write_bytes(made[0][0])
        sidecar.write_text(f"{made[0][1].file}  {sealed.name}\n# content {made[0][1].content}\n", encoding="utf-8")

    try:
        folder.finish(write)
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise
    return made[0][1]


# --- opening ---------------------------------------------------------------------------------------------------------


def _open(sealed: Path, answer: Path, passphrase_file: Path | None, plot: Path | None, *, as_json: bool) -> None:
    from scenarios.studies.blind import Secret, Verdict, read_answer
    from scenarios.studies.sealed import SealError, opened

    told = read_answer(answer)
    file, expected = _read(sealed), _expected(sealed)
    passphrase = _passphrase(passphrase_file, twice=False)
    try:
        with busy("opening the seal"):
            secret = Secret.of(opened(file, passphrase, expected))
    except SealError as error:
        raise SealError(f"{sealed}: {error}") from None
    verdict, record = Verdict(secret, told), _record(sealed, secret)
    if as_json:
        compared = {"hash_compared": expected is not None, "record_compared": record is not None}
        show_json({"sealed": str(sealed), "answer": str(answer), **compared}
                  | verdict.plain())  # fmt: skip
    else:
        _show(verdict, sealed, expected)
    if plot is not None:
        from scenarios.studies.blind_picture import draw

        draw(verdict, plot)


def _record(sealed: Path, secret: Secret) -> Path | None:
    """The readings that were published with a sealed file; None if they are not beside it.

    Raises
    ------
    BlindError
        If they are others.
    """
    from scenarios.run.output import BLOCKS
    from scenarios.studies.blind import BlindError, sha256_of

    record = sealed.with_name(sealed.name.removesuffix(_SEALED)) / BLOCKS
    if not record.is_file():
        return None
    if sha256_of(record) != secret.record_sha256:
        raise BlindError(f"{record}: these are not the readings that were published with {sealed}")
    return record


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _expected(sealed: Path) -> Seal | None:
    """The hashes that were published beside a sealed file; None if they are not there."""
    from scenarios.studies.sealed import Seal

    sidecar = sealed.with_suffix(".sha256")
    if not sidecar.is_file():
        return None
    words = sidecar.read_text(encoding="utf-8").split()
    if len(words) != 5:
        raise UsageError(f"{sidecar}: expected the two hashes that blind has written there")
    return Seal(words[0], words[4])


def _show(verdict: Verdict, sealed: Path, expected: Seal | None) -> None:
    from scenarios.report.numbers import plus_minus, readable
    from scenarios.report.tables import ppm

    secret, answer = verdict.secret, verdict.answer
    same = "as published" if expected is not None else "with no published hash beside it to compare"
    show(f"{sealed}: opened, {same}")
    show(f"  found       {plus_minus(answer.mass_kg, answer.u_mass_kg, 'kg')}")
    show(f"  true        {secret.mass_kg:.12g} kg")
    off = ppm(verdict.difference_kg / secret.mass_kg)
    show(f"  difference  {plus_minus(verdict.difference_kg, answer.u_mass_kg, 'kg')}, {off}; z = {verdict.z:+.2f}")
    show("")
    rows = [
        (each.path, f"{each.nominal:.9g}", f"{each.true:.12g}", f"{each.bias:+.4g}", readable(each.unit))
        for each in secret.hidden
    ]
    show_table(("hidden", "believed", "true", "bias", ""), rows, right=(1, 2, 3))
    for name, fault in secret.faults.items():
        show(f"fault {name}: {json.dumps(fault, ensure_ascii=False)}")
    show("", f"seed {secret.seed}")


def _passphrase(file: Path | None, *, twice: bool) -> str:
    """The passphrase: never from the command line, which everybody on the machine can read."""
    if file is not None:
        lines = _read(file).decode(errors="replace").splitlines()
        return lines[0] if lines else ""
    if PASSPHRASE in os.environ:
        return os.environ[PASSPHRASE]
    if not sys.stdin.isatty():
        raise UsageError(f"there is nobody to ask for a passphrase: set {PASSPHRASE}, or give --passphrase-file")
    from getpass import getpass

    given = getpass("Passphrase: ")
    if twice and getpass("Once more: ") != given:
        raise UsageError("the two passphrases differ")
    return given
