"""Live many years, one a seed: `python -m tests.simulation [--seeds 200] [--first 1] [--people 300] [--steps 150]`.

Every law that breaks is printed with its seed and day; `--first SEED --seeds 1` lives that year again.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog

from tests.simulation.year import live, template


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, number in (("seeds", 200), ("first", 1), ("people", 300), ("steps", 150), ("days", 365)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    bad, began, totals = 0, time.process_time(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        base, staff = template(Path(folder), options.people)
        for seed in range(options.first, options.first + options.seeds):
            year = asyncio.run(live(base, Path(folder), staff, seed, options.steps, options.days))
            for left in Path(folder).glob(f"{year.path.name}*"):
                left.unlink()
            bad += bool(year.wrong)
            totals.update(requests=year.requests, messages=year.messages, kills=year.kills)
            for line in year.wrong[:12]:
                print(f"seed {seed}: {line}", flush=True)
    print(f"{options.seeds} seeds, {bad} with broken laws, {time.process_time() - began:.0f} s of processor")
    print(", ".join(f"{number:,} {name}" for name, number in totals.items()))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
