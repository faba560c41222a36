"""An HTTP endpoint that Prometheus scrapes, in the background."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_wsgi_server

from operators.core.errors import UsageError
from operators.observe.families import Rows, SeriesCollector


@dataclass(frozen=True)
class Endpoint:
    """Metrics at `http://host:port/metrics`, as text or as OpenMetrics, whichever is asked for."""

    host: str
    port: int
    collector: SeriesCollector
    server: WSGIServer
    thread: threading.Thread

    def close(self) -> None:
        """Stop answering. The server looks every half second whether it is to end, and whenever its socket stirs."""
        ending = threading.Thread(target=self.server.shutdown)
        ending.start()
        with suppress(OSError):  # where a listening socket cannot be shut down, the half second is waited
            self.server.socket.shutdown(socket.SHUT_RDWR)
        ending.join()
        self.server.server_close()
        self.thread.join()


def serve(read: Callable[[], Rows], host: str, port: int) -> Endpoint:
    """Answer scrapes with what `read` gives; port 0 takes a free one. Raises `UsageError` where the port is taken."""
    registry = CollectorRegistry()
    collector = SeriesCollector(read)
    registry.register(collector)
    try:
        server, thread = start_wsgi_server(port, host, registry)
    except OSError as error:
        raise UsageError(
            f"metrics cannot be served at {host}:{port}: {error}. Choose another port, or 0 for a free one"
        ) from error
    return Endpoint(host, server.server_port, collector, server, thread)
