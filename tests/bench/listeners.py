"""`python -m tests.bench.listeners PORT CLIENTS COOKIES LAST`: so many SSE clients in one process, by epoll.

Says `ready` when all have had their hello; at the end, when feed id LAST has come to all or input ends, gives one JSON
object: feed id -> the times (CLOCK_MONOTONIC) at which it came.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from collections import defaultdict
from pathlib import Path

#: A change; a beat has an id too. Changes are small and far apart, so each comes in one piece.
_ID = re.compile(rb"id: (\d+)\nevent: change\n")
#: Clients that connect at the same time.
AT_ONCE = 50


class Crowd:
    """All clients, and when what came."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self._port = port
        self._cookies = cookies
        self._ready = selectors.DefaultSelector()
        self.open = 0
        self.arrived: dict[int, list[float]] = defaultdict(list)

    def connect(self, count: int) -> None:
        """Connect clients one after the other, wave by wave."""
        for start in range(0, count, AT_ONCE):
            wave = [self._client(n) for n in range(start, min(start + AT_ONCE, count))]
            for client in wave:
                got = b""
                while b"event: hello" not in got:
                    piece = client.recv(65536)
                    if not piece:
                        raise SystemExit(f"a client was refused: {got.decode('utf-8', 'replace')[-500:]}")
                    got += piece
                client.setblocking(False)
                self._ready.register(client, selectors.EVENT_READ)
                self.open += 1

    def listen(self, last: int) -> None:
        """Take note of everything until feed id `last` has come to all."""
        while len(self.arrived[last]) < self.open:
            for key, _ in self._ready.select(1.0):
                assert isinstance(key.fileobj, socket.socket)
                self._read(key.fileobj)

    def _read(self, client: socket.socket) -> None:
        piece = client.recv(262_144)
        now = time.monotonic()
        if not piece:
            self._ready.unregister(client)
            self.open -= 1
        for found in _ID.findall(piece):
            self.arrived[int(found)].append(now)

    def _client(self, n: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        cookie = self._cookies[n % len(self._cookies)]
        client.sendall(f"GET /v1/incidents/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        return client


def main(port: int, count: int, cookies: str, last: int) -> None:
    """Run the crowd."""
    crowd = Crowd(port, json.loads(Path(cookies).read_text("utf-8")))
    crowd.connect(count)
    print("ready", flush=True)
    crowd.listen(last)
    print(json.dumps(crowd.arrived), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
