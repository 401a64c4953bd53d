"""Live many lives of a company, one a seed, and check the laws of rules §9 and §10 at every COMMIT and at the end.

    python -m tests.simulation [--shape year|crash] [--seeds K] [--first N] [--database sqlite|postgres] [--jobs J]

`year`: 300 people, one thing after the other. `crash`: 12 people and two gateways, several things at once, slow and lossy
networks, and processes that die at any await, COMMIT or call; on Postgres two processes run. Every broken law is printed with
its day and the command that lives that life again.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.simulation import jobs
from tests.simulation.company import SHAPES, Shape
from tests.simulation.lives import Ended, Snapshot
from tests.temporary_postgres import temporary_postgres

FEW = 20
"""Seeds between two lines of progress."""
MEMORY = Path("/dev/shm")
"""Where there is one, nothing is written to a disk."""


def main() -> int:
    options = _options()
    shape = replace(SHAPES[options.shape], **{
        name: value for name in ("people", "steps", "days", "seeds") if (value := getattr(options, name)) is not None
    })  # fmt: skip
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
        _server(options.database) as server,
    ):
        Snapshot(Path(folder), shape, server).settle()
        begin = partial(jobs.begin, Path(folder), shape, server)
        seeds = range(options.first, options.first + shape.seeds)
        replicas = options.replicas or (2 if server and shape.at_once > 1 else 1)
        os.environ["PYTHONHASHSEED"] = "0"  # sets in the same order every time
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(options.jobs, mp_context=spawn, initializer=begin) as pool:
            return _report(pool.map(partial(jobs.live_one, replicas=replicas), seeds), options, shape)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=SHAPES, default="year")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    for name, number in (("first", 1), ("jobs", 1), ("replicas", None)):
        parser.add_argument(f"--{name}", type=int, default=number)
    for name in ("seeds", "people", "steps", "days"):
        parser.add_argument(f"--{name}", type=int)
    return parser.parse_args()


@contextlib.contextmanager
def _server(database: str) -> Iterator[str]:
    """The URL of a Postgres: of PG_TEST_URL, where a database may be made for each process, or a temporary one."""
    if database == "sqlite":
        yield ""
    elif url := os.environ.get("PG_TEST_URL"):
        yield url
    else:
        with temporary_postgres() as url:
            yield url


def _report(lives: Iterator[Ended], options: argparse.Namespace, shape: Shape) -> int:
    bad, count, seconds, totals, kills = 0, 0, 0.0, Counter[str](), Counter[str]()
    for count, one in enumerate(lives, 1):
        bad, seconds, kills = bad + bool(one.wrong), seconds + one.seconds, kills + one.kills
        totals.update(requests=one.requests, messages=one.messages, kills=one.kills.total())
        for line in one.wrong[:12]:
            print(f"seed {one.seed}: {line}", flush=True)
        if one.wrong:
            print(f"  again: {_again(options, one.seed)}", flush=True)
        if count % FEW == 0 or count == shape.seeds:
            print(
                f"{count} of {shape.seeds} seeds, {bad} with broken laws, {seconds / count:.2f} s of processor each",
                flush=True,
            )
        if shape.seeds == 1:
            print(f"life {one.digest}")
    print(", ".join(f"{number:,} {name}" for name, number in totals.items()))
    for where, number in kills.most_common(40):
        print(f"{number:7} killed {where}")
    return 1 if bad else 0


def _again(options: argparse.Namespace, seed: int) -> str:
    said = {
        name: value
        for name, value in vars(options).items()
        if value is not None and name not in ("jobs", "first", "seeds")
    }
    words = " ".join(f"--{name} {value}" for name, value in said.items())
    return f"python -m tests.simulation {words} --first {seed} --seeds 1"


if __name__ == "__main__":
    sys.exit(main())
