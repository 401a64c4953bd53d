"""The table of docs/performance.md: runs what its rows name, keeps the results, and writes the rows.

    python -m benchmarks.table [--only 1,2,8] [--pgledger FILE.sql] [--rewrite]

Every command runs alone, one after the other, at sizes that take less than eight minutes in all on two idle cores. Its JSON is kept
in docs/performance.json, so that one row is measured again without the others, and `--rewrite` writes the table without measuring.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
PAGE, KEPT = DOCS / "performance.md", DOCS / "performance.json"
BEGIN, END = "<!-- table: python -m benchmarks.table -->\n", "<!-- /table -->\n"
# Seconds after which a command is given up.
LONGEST = 240


@dataclass(frozen=True)
class Row:
    """`today`: before the work on speed began; `stage` is to be reached now, `goal` later."""

    number: int
    what: str
    against: str
    today: str
    stage: str
    goal: str


@dataclass(frozen=True)
class Run:
    """A command, the rows that it measures, and what stands before its figures."""

    words: str
    rows: tuple[int, ...]
    label: str = ""

    @property
    def command(self) -> str:
        return f"python -m benchmarks.{self.words}"


ROWS = (
    Row(1, "acknowledgement of `/quota help`, p99 at 300 signed commands/s", "bare Bolt: stock, and with `process_before_response`",
        "SQLite 0.75 × stock, 3.2 ×; Postgres 7.7 ×, 35 ×", "≤ 0.5 × stock, ≤ 2 ×", "the same at 600/s"),
    Row(2, "`/quota` end to end at 300/s; its processor time", "the same",
        "falls behind; processor 7.6 ×", "processor ≤ 2.5 ×, p99 ≤ 2 ×", "1,000/s a process"),
    Row(3, "transfer, Postgres, 8 clients", "pgbench with one function call; pgledger",
        "0.28 ×; 0.55 ×", "≥ 0.5 ×; ≥ 2 ×", "≥ 1 × the function"),
    Row(4, "whole lend command through the dispatcher", "pgledger's bare transfer; processor a command",
        "0.06 ×", "≥ 0.25 ×; ≤ 3 ms", "≥ 1 ×"),
    Row(5, "transfer, SQLite, synchronous=FULL, 8 tasks", "the standard library, one client",
        "0.50 ×", "≥ 0.6 ×; p99 ≤ 10 × p50", "≥ 1 ×"),
    Row(6, "hot team pool, 32 clients", "own rate at 1 client; pgbench on one hot row",
        "1.33 ×; 0.99 ×", "≥ 1.5 × the hot function", "≥ 3 ×"),
    Row(7, "period close and open", "set-based SQL; `/quota` meanwhile / idle",
        "1.4 ×, + 7 MiB; p99 0.8–3.4 ×", "p99 ≤ 2 × a calm idle", "≤ 1.2 ×, p99 ≤ 1.2 ×"),
    Row(8, "usage pages with posting, 10 % duplicates", "COPY (SQLite: executemany)",
        "Postgres 0.07 ×, a replay 0.17 ×; SQLite 0.06 ×", "≥ 0.15 ×", "≥ 0.3 ×"),
    Row(9, "outbox delivery through the Slack adapter", "a loop over slack_sdk's client; bare aiohttp",
        "0.48 ×", "≥ 0.8 × of slack_sdk; with 1 % poison ≥ 0.9 ×", "≥ 0.95 ×"),
    Row(10, "gateway reconciliation, nothing / 1 % changed", "number of calls",
        "pages; 2.5 a change", "pages; ≤ 2 a change", "a webhook instead of pages"),
    Row(11, "growth of people and entries", "itself",
        "≤ 1.35 × (to 20,000 people)", "p50 ≤ 1.5 ×", "≤ 1.1 ×"),
    Row(12, "cold start to ready; idle memory; `quotabot show`", "bare Bolt; seconds of a processor",
        "2.6 ×; 2.3 ×; 0.9 s", "≤ 2.5 ×; ≤ 2 ×; ≤ 0.5 s", "≤ 1.5 ×"),
)  # fmt: skip
RUNS = (
    Run("ack --rate 300 --seconds 3 --rounds 3", (1, 2)),
    Run("transfer --seconds 1.5 --rounds 3", (3, 4, 5, 6)),
    Run("period --people 10000 --rounds 2 --seconds 4", (7,), "Postgres, 10,000 people"),
    Run("usage --rows 10000 --rounds 3", (8,), "Postgres"),
    Run("usage --rows 10000 --rounds 3 --database sqlite", (8,), "SQLite"),
    Run("outbox --messages 600 --rounds 4", (9,), "Postgres"),
    Run("gateway --people 600 --rounds 1 --per-minute 6000", (10,)),
    Run("gateways --people 500 --rounds 2", (10,), "two gateways"),
    Run(
        "growth --people 1000 8000 --entries 20000 160000 --rounds 2 --count 150",
        (11,),
        "Postgres, 8 × the people",
    ),
    Run("start --rounds 3 --idle 2", (12,)),
)


def measure(run: Run, more: list[str]) -> dict[str, Any]:
    """The JSON of a command, with when and how it was run. Raises `RuntimeError` when it fails."""
    words = [sys.executable, "-m", *f"benchmarks.{run.words}".split(), *more]
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            said, _ = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it ends the servers that it has started
            raise
    if process.returncode:
        raise RuntimeError(f"{run.command} failed")
    # Logs of what is measured may stand before the JSON.
    found: dict[str, Any] = json.loads(said[said.index("{\n") :])
    found.pop("rounds")
    at = datetime.now(UTC)
    return found | {
        "day": f"{at.day} {at:%B %Y}", "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1),
        "seconds": round(time.monotonic() - began),
    }  # fmt: skip


def table(kept: dict[str, Any]) -> str:
    head = "| # | what | against | before | stage | goal | reached |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(map(_line, ROWS, [kept] * len(ROWS)))


def _line(row: Row, kept: dict[str, Any]) -> str:
    found = [
        figure
        for run in RUNS
        if row.number in run.rows and run.command in kept
        for figure in _figures(row, run, kept[run.command])
    ]
    cells = (
        row.number,
        row.what,
        row.against,
        row.today,
        row.stage,
        row.goal,
        "; ".join(found) or "not measured",
    )
    return "| " + " | ".join(map(str, cells)) + " |\n"


def _figures(row: Row, run: Run, found: dict[str, Any]) -> list[str]:
    names = [
        name for name in found["ratios"] if (number := _NUMBER.match(name)) and int(number[1]) == row.number
    ]
    return [_figure(run, name, found) for name in names]


_NOTE = """\
Medians of the rounds (the lowest and the highest in brackets). A load above the number of cores means that others used the machine
as well: then neither times nor ratios of times say much."""
_NUMBER = re.compile(r"(\d+)[: ]\s*")
_BOUND = re.compile(r"([<>]=) ([0-9.]+)")


def _figure(run: Run, name: str, found: dict[str, Any]) -> str:
    """`p99, SQLite / stock Bolt **0.29** (0.27–0.31)`, and whether the stage of a figure with a bound is missed."""
    values = found["by_round"][name]
    middle, bound = statistics.median(values), _BOUND.match(found["goals"][name])
    missed = bound and (middle > float(bound[2]) if bound[1] == "<=" else middle < float(bound[2]))
    rounds = f" ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else ""
    label = f"{run.label}: " if run.label else ""
    return f"{label}{_NUMBER.sub('', name, count=1)} **{middle:.2f}**{rounds}{' missed' if missed else ''}"


def written(page: str, kept: dict[str, Any]) -> str:
    """The page with the table of these results."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + "\n" + table(kept) + "\n" + _measured(kept) + "\n" + END + rest.partition(END)[2]


def _measured(kept: dict[str, Any]) -> str:
    known = [(run, kept[run.command]) for run in RUNS if run.command in kept]
    lines = [
        f"* {', '.join(map(str, run.rows))}: `{run.command}`, {one['day']}, {one['cores']} cores, load {one['load']}, {one['seconds']} s\n"
        for run, one in known
    ]
    return f"{_NOTE}\n\n" + "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="numbers of rows, such as 1,2,8")
    parser.add_argument("--pgledger", help="pgledger's SQL in one file, for rows 3 and 4")
    parser.add_argument("--rewrite", action="store_true", help="write the table from the kept results")
    words = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    only = {int(number) for number in words.only.split(",")} if words.only else {row.number for row in ROWS}
    failed = []
    for run in () if words.rewrite else RUNS:
        if not only & set(run.rows):
            continue
        print(f"\n{run.command}", file=sys.stderr, flush=True)
        peer = ["--pgledger", words.pgledger] if words.pgledger and 3 in run.rows else []
        try:
            kept[run.command] = measure(run, peer)
        except (RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
            failed.append(f"{run.command}: {error}")
            continue
        KEPT.write_text(
            json.dumps(
                {run.command: kept[run.command] for run in RUNS if run.command in kept},
                indent=1,
                ensure_ascii=False,
            )
            + "\n"
        )
        PAGE.write_text(written(PAGE.read_text(), kept))
    PAGE.write_text(written(PAGE.read_text(), kept))
    print(table({command: kept[command] for command in kept}))
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
