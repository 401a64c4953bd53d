"""Two gateways, one balance: what a round costs in calls, and how soon spend at one lowers the other.

    python -m benchmarks.gateways [--people 500] [--rounds 3]

Two stand-in LiteLLMs, a process each; the calls are counted there. One in a hundred burns at the first; the second lowers them in its
next round: at most three calls a person (write, read back, and a read before where its page is older than two seconds).
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import aiohttp

from benchmarks.gateway import FAST, Bench, one
from benchmarks.measure import report
from bot.gateways.named import Named
from bot.gateways.reconcile import Reconciler

Found = dict[str, list[dict[str, float]]]


class Pair:
    """The company of `first`, with a second gateway that knows the same people."""

    def __init__(self, people: int) -> None:
        self.first, self.second = Bench(people, FAST), Bench(people, FAST)

    def loops(self, http: aiohttp.ClientSession) -> tuple[Reconciler, Reconciler]:
        first, second = (
            Reconciler(
                self.first.database, Named(name, bench.gateway(http, FAST)), lambda: self.first.now,
                enforce=True, kind="litellm", name=name,
            )
            for name, bench in (("api", self.first), ("seats", self.second))
        )  # fmt: skip
        return first, second

    def __enter__(self) -> Pair:
        self.first.start()
        self.second.start()
        self.first.settle()
        return self

    def __exit__(self, *_: Any) -> None:
        self.first.stop()
        self.second.stop()


async def measure(pair: Pair, rounds: int) -> Found:
    found: Found = {}
    async with aiohttp.ClientSession() as http:
        first, second = pair.loops(http)
        for _ in range(2):  # linked at both, then enforced at both
            await first.round()
            await second.round()
        share = pair.first.people // 100
        for number in range(rounds):
            found.setdefault("nothing changed", []).append(await one(pair.second, second))
            pair.first.burn_some(range(number * share, (number + 1) * share))
            found.setdefault("1 % burnt, read at the first", []).append(await one(pair.first, first))
            found.setdefault("lowered at the second", []).append(await one(pair.second, second))
    return found


def show(found: Found, people: int) -> None:
    changes = found["lowered at the second"]
    ratios = {
        "10  calls, nothing changed / pages": (
            [each["calls"] / each["pages"] for each in found["nothing changed"]], "1"
        ),
        "10  people lowered / people who burnt": ([each["writes"] / (people // 100) for each in changes], "1"),
        "10  calls beyond pages, a person lowered": (
            [(each["calls"] - each["pages"]) / each["writes"] for each in changes], "<= 3"
        ),
        "10  seconds, round that lowers / nothing changed": (
            [one["seconds"] / other["seconds"] for one, other in zip(changes, found["nothing changed"], strict=True)], "-"
        ),
    }  # fmt: skip
    report("10b  two gateways, one balance", found, ratios)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--people", type=int, default=500)
    words.add_argument("--rounds", type=int, default=3)
    said = words.parse_args()
    with Pair(said.people) as pair:
        found = asyncio.run(measure(pair, said.rounds))
    show(found, said.people)


if __name__ == "__main__":
    main()
