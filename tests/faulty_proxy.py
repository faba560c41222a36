"""An HTTP proxy before an S3 server that spoils a share of all requests, in turn by every kind of fault."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

_ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{0}</Code><Message>{0}, by the test</Message></Error>'
_REFUSALS = {"InternalError": 500, "SlowDown": 503}
#: Refused; dropped without an answer before or after the server did as it was asked; answered too late; cut short.
KINDS = (*_REFUSALS, "dropped", "unanswered", "late", "truncated")


class FaultyProxy(ThreadingHTTPServer):
    """`share` of the requests fail; `faults` counts them by kind, `requests` all."""

    daemon_threads = True
    share = 0.0

    def __init__(self, port: int, seed: int, late_seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.late_seconds = port, late_seconds
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self._random, self._kinds, self._lock = random.Random(seed), cycle(KINDS), threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fault(self) -> str:
        """What is to happen to the next request: nothing, as a rule."""
        with self._lock:
            self.requests += 1
            return next(self._kinds) if self._random.random() < self.share else ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is their right."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = self.server.fault()
        if kind:
            self.server.faults[kind] += 1
        if kind in _REFUSALS:
            self._reply(_REFUSALS[kind], [("Content-Type", "application/xml")], _ERROR.format(kind).encode())
        elif kind == "dropped":
            self.close_connection = True
        else:
            response, answer = self._ask(body)
            if kind in {"unanswered", "late"}:
                time.sleep(self.server.late_seconds if kind == "late" else 0)
                self.close_connection = True
                return
            self._reply(response.status, response.getheaders(), answer, cut=kind == "truncated")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _ask(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        upstream = HTTPConnection("127.0.0.1", self.server.upstream)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {"expect", "connection"}:
                upstream.putheader(name, value)
        upstream.endheaders(body or None)
        response = upstream.getresponse()
        answer = response.read()
        upstream.close()
        return response, answer

    def _reply(self, status: int, headers: list[tuple[str, str]], body: bytes, *, cut: bool = False) -> None:
        kept = [(n, v) for n, v in headers if n.lower() not in {"transfer-encoding", "connection", "content-length"}]
        declared = [value for name, value in headers if name.lower() == "content-length"]
        self.send_response_only(status)
        for name, value in kept:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", declared[0] if self.command == "HEAD" and declared else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True


@contextmanager
def proxied(port: int, seed: int, late_seconds: float) -> Iterator[FaultyProxy]:
    """A proxy before the server on this machine's port, for as long as the block lasts."""
    with FaultyProxy(port, seed, late_seconds) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
