"""A real browser without a window, asked over its debugging protocol."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
#: Events that tell of a script or a rule that failed.
_TOLD = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
_SECONDS = 60


def program() -> str | None:
    """The browser of this machine."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass(frozen=True)
class Seen:
    """What a script says of a page, and everything that the page told its console or the browser logged of it."""

    answer: Any
    told: tuple[str, ...]


@dataclass(frozen=True)
class Browser:
    """A running browser by the address that it listens at."""

    address: str

    def look(self, url: str, width: int, scheme: str, script: str) -> Seen:
        """Load a page in a window of a width and in a scheme (light, dark), and ask a script about it."""
        return asyncio.run(asyncio.wait_for(self._look(url, width, scheme, script), _SECONDS))

    async def _look(self, url: str, width: int, scheme: str, script: str) -> Seen:
        async with aiohttp.ClientSession() as http, http.ws_connect(self.address, max_msg_size=0) as socket:
            tab = await _Tab.open(socket)
            for domain in ("Page", "Log", "Runtime"):
                await tab.ask(f"{domain}.enable")
            await tab.ask(
                "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False
            )
            await tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            await tab.ask("Page.navigate", url=url)
            await tab.wait("Page.loadEventFired")
            answer = await tab.ask("Runtime.evaluate", expression=script, returnByValue=True)
            await tab.close()
            assert "exceptionDetails" not in answer, answer
            return Seen(answer["result"].get("value"), tuple(tab.told))


class _Tab:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, count(1)
        self._session: dict[str, str] = {}
        self._events: set[str] = set()
        self.told: list[str] = []

    @classmethod
    async def open(cls, socket: aiohttp.ClientWebSocketResponse) -> "_Tab":
        tab = cls(socket)
        target = await tab.ask("Target.createTarget", url="about:blank")
        tab._target = target["targetId"]
        tab._session = {"sessionId": (await tab.ask("Target.attachToTarget", **target, flatten=True))["sessionId"]}
        return tab

    async def ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params, **self._session})
        while (message := await self._read()).get("id") != number:
            pass
        assert "error" not in message, message
        return message["result"]

    async def wait(self, event: str) -> None:
        while event not in self._events:
            await self._read()

    async def close(self) -> None:
        await self.ask("Target.closeTarget", targetId=self._target)

    async def _read(self) -> Any:
        message = await self._socket.receive_json()
        self._events.add(message.get("method", ""))
        if message.get("method") in _TOLD:
            self.told.append(json.dumps(message["params"]))
        return message


@contextmanager
def running(name: str, folder: Path) -> Iterator[Browser]:
    """Start the browser with its files in `folder`, and stop it whatever happens."""
    command = [
        name, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={folder}",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        try:
            lines = iter(process.stderr.readline, "")
            yield Browser(next(line.split()[-1] for line in lines if line.startswith("DevTools listening on")))
        finally:
            process.terminate()
            process.communicate(timeout=30)
