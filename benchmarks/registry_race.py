"""The registry in a race: 8 processes register and promote at the same time, and some are killed.

Each process registers a model, looks who is in production and moves its own version there,
expecting what it saw: so of those who saw the same, one may win. It is done on SQLite, on
PostgreSQL, on MLflow's own server, and with half of them on the server and half in the database
behind it. Then again, while processes are killed with SIGKILL: some at any moment, most while they
move something. What each was told is compared with what the store holds: every version is there;
every move that was reported is in the audit log, and every other attempt was reported as a
conflict; each move takes the stage from the version that the one before gave it to, so that there
were never two champions; who holds it in the end is who the log says. Last, MLflow's own client
does the same, to see what it loses.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import secrets
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from mlflow.exceptions import MlflowException
from tests.servers import postgres, postgres_programs

from assay.errors import AssayError, ConflictError
from assay.provenance import masked
from assay.registry import stages
from assay.registry.audit import history
from assay.registry.registering import register
from assay.registry.versions import registered_model, versions_of
from assay.tracking.mlflow_client import client, quietly
from assay.tracking.mlflow_server import served

PROCESSES, TIMES, QUICK_TIMES, KILLS, QUICK_KILLS = 8, 500, 24, 20, 3
STAGE, EXPERIMENT = "production", "race"


def racing(uri: str, name: str, times: int, told: Path, seed: int) -> None:
    """Register and promote; write down what was asked for and what was answered."""
    chance = random.Random(seed)
    asked = client(uri)
    experiment = asked.get_experiment_by_name(EXPERIMENT).experiment_id
    with told.open("a", buffering=1) as file:

        def tell(**what: Any) -> None:
            file.write(f"{json.dumps(what)}\n")

        for number in range(times):
            try:
                run = asked.create_run(experiment).info.run_id
                logged = asked.create_logged_model(experiment, "model", source_run_id=run)
                about = {"assay.signature": "same", "assay.settings": "same"}
                version = register(uri, logged.model_uri, name=name, run_id=run,
                                   digest=f"{seed}-{number}", tags=about).version  # fmt: skip
                tell(registered=version)
                before = stages.holder(uri, name, STAGE)
                expected = before.version if before is not None else None
                time.sleep(chance.uniform(0, 0.01))  # what gates would take
                tell(asks=version)
                moved = stages.move(uri, name, version, STAGE, expected=expected, by=str(seed),
                                    reason="race", verdicts=[{"passed": True}])  # fmt: skip
                tell(moved=moved.id)
            except ConflictError:
                tell(conflict=version)
            except AssayError as error:
                tell(error=masked(str(error)))


def race(
    uris: Sequence[str], name: str, times: int, folder: Path, kills: int, seed: int
) -> dict[str, Any]:
    """The processes at once; killed ones are replaced."""
    fork = multiprocessing.get_context("fork")
    chance, n, folder = random.Random(seed), 0, folder / name
    folder.mkdir()
    shares = [times // PROCESSES + (i < times % PROCESSES) for i in range(PROCESSES)]

    def begun(i: int) -> tuple[Any, Path]:
        nonlocal n
        n += 1
        path = folder / f"{n}"
        asked = uris[i % len(uris)], name, shares[i], path, seed + n
        process = fork.Process(target=racing, args=asked)
        process.start()
        return process, path

    started = time.perf_counter()
    processes = [begun(i) for i in range(PROCESSES)]
    killed = 0
    while killed < kills:
        time.sleep(chance.uniform(0.05, 0.5))
        i = chance.randrange(PROCESSES)
        process, path = processes[i]
        if killed % 4:
            await_move(process, path)
            time.sleep(chance.uniform(0, 0.05))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            killed += 1
        if not process.is_alive():
            processes[i] = begun(i)
    for process, _ in processes:
        process.join()
    took = time.perf_counter() - started
    told = written(folder)
    return {"killed": killed, "took_s": round(took, 1), **judged(uris[-1], name, told)}


def await_move(process: Any, told: Path) -> None:
    """Wait until a process has begun to move something, or has ended."""
    while process.is_alive():
        lines = told.read_text().splitlines() if told.exists() else []
        if lines and lines[-1].startswith('{"asks"'):
            return
        time.sleep(0.001)


def written(folder: Path) -> list[Any]:
    """What the processes wrote down; a line that a kill cut off is none."""
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines(True)]
    return [json.loads(line) for line in lines if line.endswith("\n")]


def judged(uri: str, name: str, told: list[dict[str, Any]]) -> dict[str, Any]:
    """What the processes were told, beside what the store holds when somebody has gone on."""
    held = stages.holder(uri, name, STAGE)
    before = held.version if held is not None else None
    free = next(each.version for each in versions_of(uri, name) if each.version != before)
    after = stages.move(uri, name, free, STAGE, expected=before, by="after", reason="it goes on",
                        verdicts=[])  # fmt: skip
    told = [*told, {"asks": free, "moved": after.id}]
    count = Counter(key for each in told for key in each)
    registered = [each["registered"] for each in told if "registered" in each]
    reported = [each["moved"] for each in told if "moved" in each]
    numbers = [each.version for each in versions_of(uri, name)]
    log = history(uri, name)
    aliases = {alias: int(of) for alias, of in registered_model(uri, name).aliases.items()}
    handed_on = [None, *(each.to_version for each in log)]
    semantic = [each.semantic_version for each in versions_of(uri, name) if each.semantic_version]
    held = stages.holder(uri, name, STAGE)
    return {
        "registered": len(registered),
        "moved": len(reported),
        "conflicts": count["conflict"],
        "unanswered": count["asks"] - count["moved"] - count["conflict"] - count["error"],
        "errors": Counter(each["error"] for each in told if "error" in each),
        "entries": len(log),
        "lost versions": len(set(registered) - set(numbers)) + len(registered)
        - len(set(registered)),
        "unaudited moves": len(set(reported) - {each.id for each in log}),
        "entries nobody asked for": len({each.to_version for each in log}
                                        - {each.get("asks") for each in told}),
        "double champions": sum(each.from_version != before
                                for each, before in zip(log, handed_on, strict=False))
        + sum(each.number != i for i, each in enumerate(log, 1)),
        "same semantic versions": len(semantic) - len(set(semantic)),
        "wrong holder": int(bool(log) and (held is None or log[-1].to_version != held.version)),
        "stray aliases": len(set(aliases) - {STAGE}),
    }  # fmt: skip


def wrong(result: dict[str, Any]) -> int:
    """How much is not as it should be."""
    named = ("lost versions", "unaudited moves", "entries nobody asked for", "double champions",
             "same semantic versions", "wrong holder", "stray aliases")  # fmt: skip
    return sum(result[each] for each in named) + sum(result["errors"].values())


def plainly(uri: str, name: str, times: int, told: Path, seed: int) -> None:
    """As `racing`, with MLflow's client: look who holds the alias, and set it."""
    asked, chance = client(uri), random.Random(seed)
    with told.open("a", buffering=1) as file:
        for _ in range(times):
            before = asked.get_registered_model(name).aliases.get(STAGE)
            time.sleep(chance.uniform(0, 0.01))
            version = asked.create_model_version(name, source="models").version
            with suppress(MlflowException):  # two who are first meet in the database
                asked.set_registered_model_alias(name, STAGE, version)
                file.write(f"{json.dumps([before, version])}\n")


def lost_by_mlflow(uri: str, times: int, folder: Path) -> dict[str, int]:
    """How many took the stage from another than they had seen in it, unaware."""
    folder = folder / "plain"
    folder.mkdir()
    client(uri).create_registered_model("plain")
    fork = multiprocessing.get_context("fork")
    processes = [
        fork.Process(target=plainly, args=(uri, "plain", times // PROCESSES, folder / str(i), i))
        for i in range(PROCESSES)
    ]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    moves = written(folder)
    seen = Counter(before for before, _ in moves)
    return {"moves": len(moves), "unaware": sum(n - 1 for n in seen.values())}


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, list[str]]]:
    """How to reach each store; PostgreSQL where it is installed, the server over it or SQLite."""
    with ExitStack() as open_ones:
        found = {"sqlite": [f"sqlite:///{folder / 'mlflow.db'}"]}
        behind = f"sqlite:///{folder / 'behind.db'}"
        if postgres_programs() is not None:
            password = secrets.token_hex(8)
            address = open_ones.enter_context(postgres(password))
            behind = f"postgresql+psycopg://assay:{password}@{address}/postgres"
            found["postgresql"] = [behind]
        prepared(found["sqlite"][0], folder)
        prepared(behind, folder)
        server = served(behind, artifacts=folder / "artifacts", log=folder / "log")
        url = open_ones.enter_context(server).url
        found |= {"server": [url], "both": [url, behind]}
        yield found


def prepared(uri: str, folder: Path) -> None:
    client(uri).create_experiment(EXPERIMENT, artifact_location=(folder / "artifacts").as_uri())


def measured(quick: bool, times: int, seed: int, only: str | None) -> dict[str, Any]:
    times, kills = (QUICK_TIMES, QUICK_KILLS) if quick else (times, KILLS)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as named, stores(Path(named)) as found:
        folder = Path(named)
        for store, uris in found.items():
            if only not in (None, store):
                continue
            results[store] = race(uris, f"{store}-race", times, folder, 0, seed)
            # a claim of a killed process keeps all who come after it waiting for half a minute
            few = kills if store in ("sqlite", "postgresql") else 0 if quick else 3
            if few:
                killed = race(uris, f"{store}-killed", times // 2, folder, few, seed + 1000)
                results[f"{store}, killed"] = killed
            print(f"{store}: {results[store]}", file=sys.stderr)
        plain = lost_by_mlflow(found["sqlite"][0], times // 2, folder)
    return {"times": times, "processes": PROCESSES, "stores": results, "plain MLflow": plain}


def show(result: dict[str, Any]) -> bool:
    good = True
    for store, each in result["stores"].items():
        print(f"{store}: {each}")
    print(f"plain MLflow: {result['plain MLflow']}")
    for store, each in result["stores"].items():
        is_met = not wrong(each)
        good &= is_met
        of = f"{each['registered']} versions, {each['moved']} moves, {each['conflicts']} conflicts"
        print(f"bar {store}, wrong of {of}: {wrong(each)} (wanted 0) {'ok' if is_met else 'short'}")
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="24 times")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--times", type=int, default=TIMES, help="moves that are tried on each")
    parser.add_argument("--seed", type=int, default=0)
    only = ("sqlite", "postgresql", "server", "both")
    parser.add_argument("--store", choices=only, help="only this")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with quietly():
        outcome = measured(arguments.quick, arguments.times, arguments.seed, arguments.store)
    if arguments.json:
        print(json.dumps(outcome, indent=1))
        sys.exit(any(wrong(each) for each in outcome["stores"].values()))
    sys.exit(not show(outcome))
