"""The score of `make mutants`, file by file: python -m benchmarks.mutants dist/mutants/mutants

A mutant counts as noticed when mypy refuses it or a test fails; `tests` is the share of those that mypy lets through. One
that has not run, and one in a function that no test calls, is not noticed. A file of which nothing has run has no row.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

# What mutmut keeps for each mutant: the exit code of pytest, or a number of its own.
REFUSED = 37
KILLED = {1, 3, 24, 36, 152, 255, -24}
SURVIVED, NOT_CALLED, NOT_RUN = {0}, {5, 33}, {None}


def counted(codes: Iterable[int | None]) -> Counter[str]:
    found: Counter[str] = Counter(all=0)
    for code in codes:
        found["all"] += 1
        found["mypy"] += code == REFUSED
        for name, of in (
            ("killed", KILLED),
            ("survived", SURVIVED),
            ("uncalled", NOT_CALLED),
            ("waits", NOT_RUN),
        ):
            found[name] += code in of
    return found


def line(name: str, found: Counter[str]) -> str:
    left = found["all"] - found["mypy"]
    noticed, bitten = (found["mypy"] + found["killed"]) / found["all"], found["killed"] / left if left else 1
    numbers = " | ".join(
        str(found[one]) for one in ("all", "mypy", "killed", "survived", "uncalled", "waits")
    )
    return f"| {name} | {numbers} | {noticed:.1%} | {bitten:.1%} |"


def main(folder: Path) -> None:
    print(
        "| file | mutants | refused by mypy | killed by tests | survived | no test calls it | not run | noticed | tests |"
    )
    print("|---|" + "---|" * 8)
    total: Counter[str] = Counter()
    for path in sorted(folder.glob("models/**/*.meta")):
        codes = json.loads(path.read_text("utf-8"))["exit_code_by_key"].values()
        found = counted(codes)
        if found["waits"] < found["all"]:
            total += found
            print(line(path.relative_to(folder).as_posix().removesuffix(".meta"), found))
    print(line("all of these", total))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
