"""A server ends in time, whatever hangs."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

HANGING = """
import sys, threading, time
from pathlib import Path
from assay.inference.loading import load_folder
from assay.serving import server
from assay.serving.app import App
from assay.serving.log import Log
from assay.serving.router import Slot
from assay.serving.served_model import ServedModel
from assay.serving.settings import ServingSettings
from starlette.responses import Response
from starlette.routing import Route

class Hangs:
    def observe(self, *_):
        time.sleep(600)
    def close(self):
        print("closed", flush=True)

async def hang(_):
    try:
        await app.state.prediction.in_thread(lambda: time.sleep(600))
    finally:
        return Response(b"")

settings = ServingSettings(grace_s=0.5, limits={"request_s": 0.1})
loaded = load_folder(Path(sys.argv[1]), name="m/1")
slot = Slot(ServedModel.ready(loaded, settings, reference="m"))
app = App([slot], settings, observers=[Hangs()], routes=[Route("/hang", hang)])
with server.listening("127.0.0.1", 0) as listener:
    print(listener.getsockname()[1], flush=True)
    server.made(app).serve_at(listener)
"""


def test_a_server_ends_in_time_whatever_hangs(
    packed_folder: Path, row: dict[str, Any], tmp_path: Path
) -> None:
    """An observer that never returns, and a prediction that goes on."""
    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, "-c", HANGING, str(packed_folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline() or 0)
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as asked:
            json_only = {"Content-Type": "application/json"}
            for method, path in (("POST", "/predict"), ("GET", "/hang")):
                asked.request(method, path, json.dumps(row), json_only)
                answer = asked.getresponse()
                answer.read()
                assert answer.status == 200, (tmp_path / "log").read_text()
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 10
        assert process.stdout.read() == "closed\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    last = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()][-2:]
    assert [each["event"] for each in last] == ["ended", "ended before all was done"]
    assert sorted(last[1]["at_work"]) == ["observes", "predicts_0"]
