"""The night of the agents: forty keys of one person spend 250,000 an hour, and nobody is awake."""

from __future__ import annotations

import aiohttp
import pytest

from benchmarks.night import EVENING, Heard, Night
from bot.database import Database
from sandbox.gateways.litellm import LiteLLM

USERS = {f"{name}@corp.example": f"{name}@corp.example" for name in ("liu", "mei", "chen", "ops")}
EVERYBODY = ["liu", "mei", "chen", "ops", "C0OPS"]


async def slept(database: Database, *, pauses: bool) -> tuple[Night, list[Heard]]:
    """Half an hour of the night."""
    async with aiohttp.ClientSession() as http, LiteLLM(users=USERS, clock=lambda: EVENING) as gateway:
        night = Night(database, gateway, http, pauses=pauses, enforces=True)
        await night.settle()
        return night, [one async for one in night.live(30)]


@pytest.mark.parametrize("pauses", [True, False])
async def test_within_minutes_everybody_knows_and_where_the_policy_says_so_it_is_stopped(
    sqlite: Database, pauses: bool
) -> None:
    night, heard = await slept(sqlite, pauses=pauses)
    first = [one for one in heard if one.minute == 12]
    assert [one.who for one in first] == EVERYBODY
    assert all("agent-" in one.text for one in first)
    assert "37 more" in first[-1].text
    after = [one for one in heard if one.minute == 27]
    assert [one.who for one in after] == (EVERYBODY if pauses else EVERYBODY[1:])
    assert len(heard) == len(first) + len(after)
    assert (night.refused > 0) is pauses
    # twenty-seven of the thirty minutes were spent, and the one in which the limit was written
    assert night.spent == pytest.approx(40 * 104.17 * (28 if pauses else 30))
