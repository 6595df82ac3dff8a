"""Seals: what comes out is what went in, with the passphrase alone, and nobody has exchanged it."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.studies import sealed
from scenarios.studies.sealed import Seal, SealError, opened, seal

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "COST", 2**4)


def changed(file: bytes, **parts: Any) -> bytes:
    return json.dumps({**json.loads(file), **parts}).encode()


@settings(deadline=None, max_examples=25)
@given(
    st.dictionaries(st.text(max_size=5).filter(lambda k: k != "nonce"), st.text() | st.integers(), max_size=3),
    st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=8, max_size=20),
)
def test_what_comes_out_is_what_went_in(data: dict[str, Any], passphrase: str) -> None:
    file, made = seal(data, passphrase)
    found = opened(file, passphrase, made)
    assert len(bytes.fromhex(found.pop("nonce"))) == 32
    assert found == data


def test_twice_the_same_is_sealed_differently() -> None:
    """Nobody sees from seals or hashes whether they hold the same."""
    (a, seal_a), (b, seal_b) = seal({"m": 1.0}, PASSPHRASE), seal({"m": 1.0}, PASSPHRASE)
    assert json.loads(a)["data"] != json.loads(b)["data"]
    assert seal_a.content != seal_b.content and seal_a.file != seal_b.file


def test_another_passphrase_does_not_open_it() -> None:
    file, made = seal({"m": 1.0}, PASSPHRASE)
    with pytest.raises(SealError, match="the passphrase is another one"):
        opened(file, PASSPHRASE + " ", made)


def test_a_seal_that_was_changed_is_told() -> None:
    file, made = seal({"m": 1.0}, PASSPHRASE)
    data = bytearray(base64.b64decode(json.loads(file)["data"]))
    data[3] ^= 1
    forged = changed(file, data=base64.b64encode(bytes(data)).decode())
    with pytest.raises(SealError, match="not the one whose hash was published"):
        opened(forged, PASSPHRASE, made)
    with pytest.raises(SealError, match="or the sealed file has been changed"):
        opened(forged, PASSPHRASE)
    weaker = changed(file, n=2**3)
    with pytest.raises(SealError, match="or the sealed file has been changed"):
        opened(weaker, PASSPHRASE)


def test_other_content_is_told_even_under_the_same_file_hash() -> None:
    """The hash of the content binds whoever knows the passphrase."""
    file, made = seal({"m": 1.0}, PASSPHRASE)
    with pytest.raises(SealError, match="what is sealed is not what was published"):
        opened(file, PASSPHRASE, Seal(made.file, "0" * 64))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "no sealed file"),
        (b"[]", "no sealed file"),
        (b'{"format": 1}', "no sealed file"),
        (b'{"format":"x","kdf":"","n":2,"r":8,"p":1,"cipher":"","salt":"","nonce":"","data":""}', "in another way"),
    ],
)
def test_what_is_no_seal(file: bytes, message: str) -> None:
    with pytest.raises(SealError, match=message):
        opened(file, PASSPHRASE)


def test_a_seal_that_would_take_all_memory_is_refused() -> None:
    file, _ = seal({}, PASSPHRASE)
    with pytest.raises(SealError, match="in another way"):
        opened(changed(file, n=2**30), PASSPHRASE)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(SealError, match="has 7 characters; choose at least 8"):
        seal({}, "1234567")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(SealError, match=r"pip install 'kibble-twin\[blind\]'"):
        seal({}, PASSPHRASE)
