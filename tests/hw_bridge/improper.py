"""A peer that answers what it likes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


class Improper:
    """A server that answers each line by a function of it: bytes, or None to close the connection."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer, self.lines = answer, list[bytes]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.resource = f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"
        self._thread = threading.Thread(target=self._serve, daemon=True)  # a test that fails leaves it waiting
        self._thread.start()

    def __enter__(self) -> Improper:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(20.0)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as lines:
                try:
                    for line in lines:
                        self.lines.append(line.strip())
                        answer = self.answer(line.strip())
                        if answer is None:
                            break
                        peer.sendall(answer)
                except OSError:
                    pass  # the client has gone
