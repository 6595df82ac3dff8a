"""Plain data sealed with a passphrase, and a hash that shows later that nobody has exchanged them.

The key is made from the passphrase by scrypt (RFC 7914), the data are encrypted and authenticated by AES-256-GCM
(NIST SP 800-38D). The hash of what is sealed is published beside that of the file: it binds the one who sealed to the
content whatever the passphrase, and tells nothing of it, as the content begins with 256 random bits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twin.errors import InputError

FORMAT = "kibble-twin sealed 1"
COST = 2**17
"""N of scrypt: 128 MiB and some tenths of a second for each guess."""
HIGHEST_COST = 2**20
BLOCK, LANES, BYTES = 8, 1, 32
SHORTEST = 8
"""Characters of a passphrase."""


class SealError(InputError):
    """Something cannot be sealed or opened."""


@dataclass(frozen=True)
class Seal:
    """What is published of a sealed file: SHA-256 of the file and of its content, in hexadecimal digits."""

    file: str
    content: str


def seal(data: Mapping[str, Any], passphrase: str) -> tuple[bytes, Seal]:
    """Encrypt plain data.

    Returns
    -------
    tuple
        The sealed file, which is JSON, and its hashes.

    Raises
    ------
    SealError
        If the passphrase is short, or the cryptography package is not there.
    """
    if len(passphrase) < SHORTEST:
        raise SealError(f"the passphrase has {len(passphrase)} characters; choose at least {SHORTEST}")
    content = json.dumps({"nonce": secrets.token_hex(32), **data}, allow_nan=False, ensure_ascii=False).encode()
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    head = {"format": FORMAT, "kdf": "scrypt", "n": COST, "r": BLOCK, "p": LANES, "cipher": "AES-256-GCM"}
    hidden = _cipher(passphrase, salt, COST).encrypt(nonce, content, _bound(head))
    parts = {"salt": salt, "nonce": nonce, "data": hidden}
    text = json.dumps({**head, **{key: base64.b64encode(part).decode() for key, part in parts.items()}}, indent=1)
    file = (text + "\n").encode()
    return file, Seal(_sha256(file), _sha256(content))


def opened(file: bytes, passphrase: str, expected: Seal | None = None) -> dict[str, Any]:
    """What is sealed.

    Parameters
    ----------
    expected : the hashes that were published; None where there are none to compare.

    Raises
    ------
    SealError
        If it is no sealed file, the passphrase is another one, or it is not what was published.
    """
    if expected is not None and not hmac.compare_digest(_sha256(file), expected.file):
        raise SealError("the sealed file is not the one whose hash was published")
    try:
        outer = json.loads(file)
        head = {key: outer[key] for key in ("format", "kdf", "n", "r", "p", "cipher")}
        salt, nonce, hidden = (base64.b64decode(outer[key], validate=True) for key in ("salt", "nonce", "data"))
        cost = int(head["n"])
    except (ValueError, KeyError, TypeError):
        raise SealError("it is no sealed file of kibble-twin blind") from None
    if (head["format"], head["r"], head["p"]) != (FORMAT, BLOCK, LANES) or not 1 < cost <= HIGHEST_COST:
        raise SealError(f"it is sealed in another way than {FORMAT!r}; open it with the version that made it")
    content = _decrypted(_cipher(passphrase, salt, cost), nonce, hidden, _bound(head))
    if expected is not None and not hmac.compare_digest(_sha256(content), expected.content):
        raise SealError("what is sealed is not what was published")
    found: dict[str, Any] = json.loads(content)
    return found


def _decrypted(cipher: Any, nonce: bytes, hidden: bytes, bound: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        content: bytes = cipher.decrypt(nonce, hidden, bound)
    except (InvalidTag, ValueError):
        raise SealError("the passphrase is another one, or the sealed file has been changed") from None
    return content


def _cipher(passphrase: str, salt: bytes, cost: int) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise SealError("sealing needs a package for cryptography: pip install 'kibble-twin[blind]'") from None
    memory = 256 * cost * BLOCK
    try:
        key = hashlib.scrypt(passphrase.encode(), salt=salt, n=cost, r=BLOCK, p=LANES, dklen=BYTES, maxmem=memory)
    except ValueError as error:  # such as a cost that is no power of 2
        raise SealError(f"it is no sealed file of kibble-twin blind: {error}") from None
    return AESGCM(key)


def _bound(head: Mapping[str, Any]) -> bytes:
    """What is not secret, but may not be changed either."""
    return json.dumps(head, sort_keys=True).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
