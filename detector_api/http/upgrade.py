"""uvicorn's HTTP protocol, deaf to offers of another protocol: `Upgrade: h2c`, which several clients add to a request.

A server may ignore the offer (RFC 9110, 7.8). To httptools, though, what follows the head is of the other protocol, and
the request has no body. Here such a head is parsed a second time, without the offer.
"""

from __future__ import annotations

from array import array
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

OFFER = b"upgrade"


class UpgradeIgnoringProtocol(HttpToolsProtocol):
    """uvicorn's protocol for a connection, where a request that offers an upgrade is answered as one that does not."""

    def __init__(self, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.parser = _Parser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own

    @property
    def offers_upgrade(self) -> bool:
        """Tell whether the parser stops after this head, which is then parsed again."""
        return self.parser.should_upgrade() and any(name == OFFER for name, _ in self.headers)

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is parsed again."""
        if not self.offers_upgrade:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request's body, unless its head is parsed again."""
        if not self.offers_upgrade:
            super().on_message_complete()

    def head_without_offer(self) -> bytes:
        """Return the head that was parsed last, without its `Upgrade`."""
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = (b"%b: %b\r\n" % (name, value) for name, value in self.headers if name != OFFER)
        return b"".join((line, *fields, b"\r\n"))


class _Parser(httptools.HttpRequestParser):
    def __init__(self, protocol: UpgradeIgnoringProtocol) -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: bytes | bytearray | memoryview[int] | array[int]) -> None:
        rest = memoryview(data)
        while True:
            try:
                super().feed_data(rest)
            except httptools.HttpParserUpgrade as stop:
                if not self._protocol.offers_upgrade:  # CONNECT
                    raise
                super().feed_data(self._protocol.head_without_offer())
                rest = rest[stop.args[0] :]
            else:
                return
