"""Faults on real processes: `python -m tests.chaos` prints what was promised, what happened before and what happens now.

Exit 1 where something is not as promised. A fault that this machine cannot make is listed with the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import traceback

import bot.messengers.registry  # noqa: F401 - the models read the traits that it fills in
from tests.chaos import databases, processes, vendors
from tests.chaos.cluster import Cluster
from tests.chaos.scene import FAULTS, Broken, Fault, Missing, Stage

MODULES = (vendors, processes, databases)


async def tried(one: Fault, stage: Stage) -> tuple[bool, str]:
    try:
        return True, await one.run(stage)
    except Missing as lack:
        return True, f"not tried: {lack}"
    except Broken as broken:
        return False, f"**broken**: {broken}"
    except Exception as error:
        traceback.print_exc()
        return False, f"**broken**: {type(error).__name__}: {str(error)[:200]}"


async def run(wanted: list[Fault]) -> int:
    cluster, rows, well = Cluster().create(), [], True
    try:
        stage = Stage(cluster)
        for one in wanted:
            began = time.monotonic()
            holds, now = await tried(one, stage)
            well &= holds
            print(f"{time.monotonic() - began:4.0f} s  {one.name}: {now}", file=sys.stderr, flush=True)
            rows.append((one.name, one.before, now))
    finally:
        cluster.remove()
    print("| fault | before | now |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    return 0 if well else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("only", nargs="*", help="faults by a part of their name; all without")
    words = parser.parse_args().only
    wanted = [one for one in FAULTS if not words or any(word in one.name for word in words)]
    return asyncio.run(run(wanted))


if __name__ == "__main__":
    sys.exit(main())
