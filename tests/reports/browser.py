"""A headless Chromium spoken to over a pipe: pages at any width, in light and dark.

The DevTools protocol: commands and answers are JSON ended by a NUL byte, on descriptors 3 and 4 of
the browser. Windows of a headless browser are never narrower than 500 pixels; emulated screens are.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")
_PATIENCE_S = 60
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
]


class Browser:
    """One browser with one page open."""

    def __init__(self, to: int, answers: Iterator[dict[str, Any]]) -> None:
        self._to = to
        self._answers = answers
        self._last = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        page = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give a command and wait for its answer, keeping errors that the page logs meanwhile."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda each: each.get("id") == self._last)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def show(self, path: Path, width: int, scheme: str, height: int = 900) -> None:
        """Open a file on a screen of this width, in the 'light' or 'dark' scheme."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **screen)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", media="screen", features=[feature])
        self.send("Page.navigate", url=path.as_uri())
        self._until(lambda each: each.get("method") == "Page.loadEventFired")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _until(self, wanted: Any) -> dict[str, Any]:
        for each in self._answers:
            method = each.get("method", "")
            if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Network.loadingFailed"):
                self.complaints.append(json.dumps(each["params"]))
            if wanted(each):
                return each
        raise AssertionError("the browser went away or fell silent")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser with an empty profile; end it afterwards."""
    assert EXECUTABLE is not None, "no Chromium here"
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                "bash",  # other shells know no descriptors above 9
                "-c",
                f'exec "$@" 3<&{their_in} 4>&{their_out}',
                "browser",
                EXECUTABLE,
                f"--user-data-dir={profile}",
                *_FLAGS,
            ],
            pass_fds=(their_in, their_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)
        try:
            yield Browser(our_out, _messages(our_in))
        finally:
            process.kill()
            process.wait()
            os.close(our_out)
            os.close(our_in)


def _messages(source: int) -> Iterator[dict[str, Any]]:
    rest = b""
    while select.select([source], [], [], _PATIENCE_S)[0] and (piece := os.read(source, 1 << 16)):
        *whole, rest = (rest + piece).split(b"\0")
        yield from map(json.loads, whole)
