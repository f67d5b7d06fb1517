"""How long a new user waits before anything happens: `assay --help` and `import assay`.

Each is run in turn with a bare `python -c pass` in the same round, so that a noisy machine shows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python": ["-c", "pass"],
    "import assay": ["-c", "import assay"],
    "assay --help": ["-c", "import sys; sys.argv = ['assay', '--help']; "
                     "from assay.cli.main import main; main()"],
}  # fmt: skip
WANTED_S = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="five rounds instead of twenty")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(5 if arguments.quick else 20):
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    if arguments.json:
        print(json.dumps({"median_s": medians, "seconds": seconds}))
        return
    for name, median in medians.items():
        print(f"{name}: {median:.3f} s, {median / medians['python']:.1f} times a bare python")
    value = medians["assay --help"]
    verdict = "ok" if value < WANTED_S else "short"
    print(f"bar assay --help: {value:.3f} s (wanted < {WANTED_S} s) {verdict}")


if __name__ == "__main__":
    main()
