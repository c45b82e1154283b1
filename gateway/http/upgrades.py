"""Requests that ask for another protocol are answered in this one, and so are those that follow on the connection.

aiohttp's parser stops after such a request. If it knows the protocol, it keeps the bytes that it has not read; otherwise it drops
them: a request that came in the same packet after an `Upgrade: h2c` would be lost. So from the first `Upgrade` of a connection on,
the parser is fed in pieces that end where the request ends: with its head, with the last chunk of its body, or after its length.
"""

from aiohttp import hdrs, web

from gateway.http.aiohttp_handler import heads_read, is_full, is_paused, newest_head, stay_with_http

_END = b"\r\n\r\n"
_NAME = b"upgrade"


class WithoutUpgrades(web.RequestHandler):
    """aiohttp's own. Once `_in_pieces`, each piece for its parser holds one request head at most. `_held` is what waits while that
    parser waits; `_edge` is the possible beginning of a `_NAME` or an `_END`; `_left` is how much of the body of an upgrading
    request is still to come."""

    _in_pieces = False
    _held = b""
    _edge = b""
    _left = 0

    def data_received(self, data: bytes) -> None:
        if not self._in_pieces:
            seen = self._edge + data
            if _NAME not in seen.lower():
                self._edge = seen[1 - len(_NAME) :]
                super().data_received(data)
                return
            self._in_pieces, self._edge = True, b""
        if self._held:
            if not data:  # reading resumes: first with what the parser itself holds
                super().data_received(b"")
            data, self._held = self._held + data, b""
        elif not data:
            super().data_received(b"")
        begin = 0
        while begin < len(data):
            if self._must_wait():
                self._held = data[begin:]
                return
            end = self._end_in(data, begin)
            self._feed(data[begin:end])
            begin = end

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp asks for this after every body, and would feed its parser and its transport each time."""
        if self._in_pieces or is_paused(self):
            super().resume_reading(resume_parser)

    def _must_wait(self) -> bool:
        return is_full(self)

    def _end_in(self, data: bytes, begin: int) -> int:
        """Up to where `data` may be fed at once from `begin` on."""
        if self._left:
            length = min(self._left, len(data) - begin)
            self._left -= length
            return begin + length
        if self._edge:
            across = (self._edge + data[begin : begin + 3]).find(_END)
            if across >= 0:
                end = begin + across + len(_END) - len(self._edge)
                self._edge = b""
                return end
        found = data.find(_END, begin)
        if found >= 0:
            self._edge = b""
            return found + len(_END)
        self._edge = (self._edge + data[max(begin, len(data) - 3) :])[-3:]
        return len(data)

    def _feed(self, piece: bytes) -> None:
        known = heads_read(self)
        super().data_received(piece)
        if heads_read(self) > known:
            message = newest_head(self)
            if message is not None and message.upgrade and not message.chunked:
                self._left = int(message.headers.get(hdrs.CONTENT_LENGTH, 0))
        stay_with_http(self)
