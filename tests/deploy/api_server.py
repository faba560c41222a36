"""A Kubernetes API server that knows RayJobs and nothing else: what it is asked is kept, what it answers is given."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/apis/ray.io/v1/namespaces/millrace/rayjobs"


@dataclass
class ApiServer:
    """`statuses` of a RayJob that was made are answered one after another, the last for ever; ints are HTTP errors."""

    template: dict[str, Any]
    statuses: list[dict[str, Any] | int]
    made: dict[str, Any] = field(default_factory=dict)
    refuse: int | None = None
    tokens: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        name = path.removeprefix(PATH).strip("/")
        self.asked.append(f"{method} {name}".strip())
        if method == "POST":
            if self.refuse:
                return self.refuse, {"message": "rayjobs.ray.io is forbidden"}
            if body["metadata"]["name"] in self.made:
                return 409, {"message": "already exists"}
            self.made[body["metadata"]["name"]] = body
            return 201, body
        if name == self.template["metadata"]["name"]:
            return 200, self.template
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if isinstance(status, int):
            return status, {"message": "try again"}
        return (200, {**self.made[name], "status": status}) if name in self.made else (404, {})


@contextmanager
def serving(server: ApiServer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of its RayJobs while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Any) -> None:
            server.tokens.append(self.headers["Authorization"])
            code, found = server.answer(self.command, self.path, body)
            data = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Silent."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{http.server_port}{PATH}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
