"""Malformed requests: nothing that is sent makes a server fail, hang or grow.

By hand: bodies, heads and clients that are known to break servers, again and again. By chance: a
good body with bytes changed, cut, doubled. By schemathesis: what the OpenAPI document allows and
forbids. After each of the first two a good request has to be answered right away.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from load import Served, exchanged, free_port, memory_mib, request_of

LONGEST_S = 5
MOST_GROWTH_MIB = 8
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,negative_data_rejection"
)
SETTINGS = "serving: {log_requests: false, limits: {headers_s: 1, body_s: 1}}"
ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 requests")
    parser.add_argument("--requests", type=int, default=110_000)
    parser.add_argument("--examples", type=int, help="of schemathesis, for each path")
    parser.add_argument("--model", type=Path, help="a folder; one is trained if absent")
    parser.add_argument("--row", type=Path, help="JSON of a row that fits it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    n = 2_000 if arguments.quick else arguments.requests
    examples = arguments.examples if arguments.examples is not None else max(5, n // 100)
    with tempfile.TemporaryDirectory() as folder:
        results = _measured(Path(folder), arguments, n, examples)
    if arguments.json:
        print(json.dumps(results))
    else:
        _show(results)
    sys.exit(0 if _is_well(results) else 1)


def _measured(folder: Path, arguments: argparse.Namespace, n: int, examples: int) -> dict[str, Any]:
    model, row = arguments.model, None
    if model is None:
        model, row = _trained(folder)
    else:
        row = json.loads(arguments.row.read_text())
    (folder / "serving.yaml").write_text(SETTINGS)
    port = free_port()
    command = [sys.executable, "-m", "assay", "serve", str(model), "--port", str(port)]
    command += ["--settings", str(folder / "serving.yaml")]
    with Served(command, port, folder / "log", {**os.environ, "OMP_NUM_THREADS": "1"}) as server:
        good = request_of("/predict", orjson.dumps(row))
        server.await_answer(good)
        asking = Asking(port, good)
        for each in by_hand(row):
            asking.ask(*each)
        asking.many(row, n // 10)
        before = memory_mib(server.process)
        asking.slow(1 if n < 10_000 else 10)
        asking.many(row, n - asking.n)
        found = asking.told() | {"before_mib": before, "after_mib": memory_mib(server.process)}
        found["schemathesis"] = _schemathesis(server, port, folder, examples)
        found["after_schemathesis_mib"] = memory_mib(server.process)
        found["n"] += found["schemathesis"]["n"]
    return found


class Asking:
    """Sends what is malformed and then what is good; counts what is answered."""

    def __init__(self, port: int, good: bytes) -> None:
        self._port = port
        self._good = good
        self._random = random.Random(0)
        self.n = 0
        self.statuses: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self.slowest_s = 0.0
        self._connection = self._connected()

    def many(self, row: dict[str, Any], n: int) -> None:
        """So many more: one by hand for two by chance."""
        handmade = [each for each in by_hand(row) if len(each[1]) < 200_000]
        body = orjson.dumps({"rows": [row, row]})
        until = self.n + n
        while self.n < until:
            self.ask(*self._random.choice(handmade))
            for _ in range(2):
                self.ask("by chance", request_of("/predict", broken(body, self._random)))

    def ask(self, name: str, request: bytes) -> None:
        """Send it; then a good one, over the same connection where it is still there."""
        self.n += 1
        began = time.monotonic()
        status = self._sent(request)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.statuses[status] += 1
        if status.startswith("5") or status == "hangs":
            self.problems[f"{name}: {status}"] += 1
        if status == "closed" or not self._is_answered():
            self._connection.close()
            self._connection = self._connected()
            if not self._is_answered():
                self.problems[f"{name}: the good request after it"] += 1

    def _sent(self, request: bytes) -> str:
        try:
            answer = exchanged(self._connection, request)
        except TimeoutError:
            return "hangs"
        except OSError:
            return "closed"
        return answer[9:12].decode() if answer else "closed"

    def _is_answered(self) -> bool:
        with suppress(OSError):
            return exchanged(self._connection, self._good).startswith(b"HTTP/1.1 200")
        return False

    def _connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=LONGEST_S)

    def slow(self, rounds: int) -> None:
        """Clients that send slowly, several at once, while good ones ask."""
        for _ in range(rounds):
            threads = [threading.Thread(target=self._drip, args=each) for each in dripping()]
            for each in threads:
                each.start()
            while any(each.is_alive() for each in threads):
                if not self._is_answered():
                    self._connection.close()
                    self._connection = self._connected()
                time.sleep(0.01)
            self.n += len(threads)

    def _drip(self, pieces: list[bytes], pause_s: float) -> None:
        """Send piece by piece; the server has to close the connection."""
        with closing(socket.create_connection(("127.0.0.1", self._port), timeout=20)) as mine:
            try:
                for piece in pieces:
                    mine.sendall(piece)
                    time.sleep(pause_s)
                while mine.recv(65536):
                    pass
            except TimeoutError:
                self.problems["a slow client hangs"] += 1
            except OSError:
                pass

    def told(self) -> dict[str, Any]:
        self._connection.close()
        return {
            "n": self.n,
            "statuses": dict(self.statuses),
            "problems": dict(self.problems),
            "slowest_s": self.slowest_s,
        }


def broken(body: bytes, chance: random.Random) -> bytes:
    """A good body, changed in a few places."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        at, what = chance.randrange(len(changed) + 1), chance.randrange(5)
        if what == 0:
            changed[at:at] = bytes([chance.randrange(256)])
        elif what == 1:
            del changed[at : at + chance.randint(1, 20)]
        elif what == 2:
            changed[at:at] = changed[at : at + chance.randint(1, 40)]
        elif what == 3:
            changed[at : at + 1] = chance.choice([b"null", b"{}", b"[", b'"', b"1e308", b"\\u"])
        else:
            del changed[at:]
    return bytes(changed)


def by_hand(row: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Bodies and heads that are known to break servers, by name."""
    for name, body in _bodies(row):
        yield name, request_of("/predict", body)
    good = orjson.dumps(row)
    yield "text", request_of("/predict", good, "text/plain")
    yield "latin-1", request_of("/predict", good, "application/json; charset=latin-1")
    yield "a form", request_of("/predict", good, "multipart/form-data; boundary=x")
    for form in (ARROW, PARQUET):
        yield form, request_of("/predict/batch", b"PAR1" + good + b"PAR1", form)
        yield f"empty {form}", request_of("/predict/batch", b"", form)
    for name, column in _swelling():
        for where in ("of no model", next(iter(row))):
            table = pa.table({where: column})
            yield f"{name}, {where}", request_of("/predict/batch", _stream(table), ARROW)
    head = b"POST /predict HTTP/1.1\r\nHost: me\r\nContent-Type: application/json\r\n"
    size = f"Content-Length: {len(good)}\r\n".encode()
    for name, lines in {
        "length without end": b"Content-Length: 99999999999999999999999\r\n",
        "length below zero": b"Content-Length: -1\r\n",
        "two lengths": size + b"Content-Length: 1\r\n",
        "chunks and length": size + b"Transfer-Encoding: chunked\r\n",
        "chunk of no size": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "claims gzip": size + b"Content-Encoding: gzip\r\n",
        "odd id": size + b"X-Request-ID: " + b"\xff" * 300 + b"\r\n",
        "many headers": size + b"X: y\r\n" * 20_000,
    }.items():
        yield name, head + lines + b"\r\n" + good
    for name, line in {
        "no method": b"HELLO /predict HTTP/1.1",
        "other method": b"DELETE /predict HTTP/1.1",
        "path above": b"GET /../../etc/passwd HTTP/1.1",
        "path of bytes": b"GET /%ff%00%0d%0aX:%20y HTTP/1.1",
        "long path": b"GET /" + b"a" * 30_000 + b" HTTP/1.1",
        "other protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    }.items():
        yield name, line + b"\r\nHost: me\r\nContent-Length: 0\r\n\r\n"


def _swelling() -> Iterator[tuple[str, pa.Array]]:
    """Columns of one cell that are sent in a few bytes, and are millions of values or more."""
    n = 10**8
    yield "nothing, very often", pa.FixedSizeListArray.from_arrays(pa.nulls(n), n)
    often = pa.array(np.zeros(1_000, dtype=np.int32))
    texts = pa.DictionaryArray.from_arrays(often, ["x" * 400_000])
    yield "a text for many", pa.ListArray.from_arrays([0, 1_000], texts)


def _stream(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _bodies(row: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    good = orjson.dumps(row)
    name = next(iter(row))
    start = b"{" + orjson.dumps(name) + b":"
    yield from {
        "nothing": b"",
        "no JSON": b"hello",
        "NaN": start + b"NaN}",
        "Infinity": start + b"Infinity}",
        "-Infinity": start + b"-Infinity}",
        "too large": start + b"1e999}",
        "400 digits": start + b"1" * 400 + b"}",
        "a million digits": start + b"1" * 1_000_000 + b"}",
        "large": start + b"1.7e308}",
        "tiny": start + b"1e-400}",
        "deep arrays": b"[" * 100_000,
        "deep objects": start * 50_000,
        "deep cell": start + b"[" * 500 + b"]" * 500 + b"}",
        "Latin-1": start + '"é"}'.encode("latin-1"),
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-32": good.decode().encode("utf-32"),
        "a mark before it": b"\xef\xbb\xbf" + good,
        "half a surrogate": start + b'"\\ud800"}',
        "overlong UTF-8": start + b'"\xc0\xaf"}',
        "zero bytes": b"\x00" * 1000,
        "a zero in a text": start + b'"a\\u0000b"}',
        "a text of a megabyte": start + b'"' + b"a" * 1_000_000 + b'"}',
        "a text of 8 megabytes": start + b'"' + b"a" * 8_000_000 + b'"}',
        "9 megabytes": b"{" + b" " * 9_000_000 + b"}",
        "a key twice": start + b"1," + start[1:] + b"2}",
        "a key twice, escaped": b'{"a":1,"\\u0061":2}',
        "rows twice": b'{"rows":[],"rows":[' + good + b"]}",
        "cut": good[: len(good) // 2],
        "more behind it": good + b"}",
        "two documents": good + good,
        "an array": b"[" + good + b"]",
        "a number": b"1",
        "a text": b'"a"',
        "null": b"null",
        "no rows": b'{"rows":[]}',
        "rows that are none": b'{"rows":{"a":1}}',
        "rows of numbers": b'{"rows":[1,2,null,"a",[]]}',
        "100,000 rows": b'{"rows":[' + b",".join([b"{}"] * 100_000) + b"]}",
        "100,000 columns": orjson.dumps({f"c{i}": i for i in range(100_000)}),
        "all texts": orjson.dumps(dict.fromkeys(row, "x")),
        "all null": orjson.dumps(dict.fromkeys(row)),
        "all arrays": orjson.dumps({each: [1] for each in row}),
        "all objects": orjson.dumps({each: {"path": "/etc/passwd"} for each in row}),
        "all true": orjson.dumps(dict.fromkeys(row, True)),
        "paths": orjson.dumps(dict.fromkeys(row, "../../etc/passwd")),
        "prototype": orjson.dumps({**row, "__proto__": 1, "__class__": 2}),
        "an empty name": orjson.dumps({**row, "": 1}),
        "single quotes": str(row).encode(),
        "a comment": b"/* */" + good,
        "YAML": b"a: 1\nb: 2\n",
    }.items()


def dripping() -> Iterator[tuple[list[bytes], float]]:
    """Pieces of slow clients, and the pause between them, in seconds."""
    head = b"POST /predict HTTP/1.1\r\nHost: me\r\nContent-Type: application/json\r\n"
    yield [b""], 0
    yield [head], 0
    yield [bytes([each]) for each in head], 0.2
    yield [head + b"Content-Length: 90\r\n\r\n{"], 0
    yield [head + b"Content-Length: 90\r\n\r\n", *[b" "] * 20], 0.2
    yield [head + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 20], 0.2


def _schemathesis(server: Served, port: int, folder: Path, examples: int) -> dict[str, Any]:
    before = _n_answered(server)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/schema"]
    command += ["--checks", CHECKS, "--max-examples", str(examples), "--no-color", "--seed", "0"]
    command += ["--request-timeout", str(LONGEST_S)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=1200, check=False
    )
    n, failed = (
        after - earlier for after, earlier in zip(_n_answered(server), before, strict=True)
    )
    said = "" if done.returncode == 0 else (done.stdout + done.stderr)[-4000:]
    return {"n": n, "status 5xx": failed, "exit": done.returncode, "said": said}


def _n_answered(server: Served) -> tuple[int, int]:
    """Requests that were answered, and those of status 5xx."""
    lines = [
        line
        for line in server.text("/metrics").splitlines()
        if line.startswith("assay_requests_total{")
    ]
    counts = [(line, int(float(line.rpartition(" ")[2]))) for line in lines]
    return sum(n for _, n in counts), sum(n for line, n in counts if 'status="5' in line)


def _trained(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A model of 20 mixed columns, and a row for it."""
    from serving import prepared

    rows = prepared(folder)
    return folder / "assay-model", rows[1]


def _is_well(results: dict[str, Any]) -> bool:
    by_schema = results["schemathesis"]
    growth = results["after_mib"] - results["before_mib"]
    return (
        not results["problems"]
        and by_schema["exit"] == 0
        and by_schema["status 5xx"] == 0
        and growth <= MOST_GROWTH_MIB
    )


def _show(results: dict[str, Any]) -> None:
    by_schema = results["schemathesis"]
    print(f"{results['n']:,} requests, of them {by_schema['n']:,} by schemathesis")
    print(f"answered: {results['statuses']}; the slowest after {results['slowest_s']:.2f} s")
    if by_schema["said"]:
        print(by_schema["said"])
    for problem, n in results["problems"].items():
        print(f"{n} x {problem}")
    n = sum(results["problems"].values()) + by_schema["status 5xx"]
    bar("5xx, hanging, or a good request not answered", n, "0", n == 0)
    bar("schemathesis' exit status", by_schema["exit"], "0", by_schema["exit"] == 0)
    growth = results["after_mib"] - results["before_mib"]
    bar("growth in MiB", growth, f"<= {MOST_GROWTH_MIB}", growth <= MOST_GROWTH_MIB)
    more = results["after_schemathesis_mib"] - results["after_mib"]
    print(f"after schemathesis, whose bodies are larger: {more:.1f} MiB more, once")


def bar(name: str, value: float, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value:.1f} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
