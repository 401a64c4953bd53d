"""One year of one seed."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from tests.simulation.laws import Laws, broken
from tests.simulation.life import step
from tests.simulation.world import Employee, World, settle


def template(folder: Path, people: int) -> tuple[Path, dict[int, Employee]]:
    """A settled company that every seed begins with."""
    path = folder / f"company{people}.db"
    return path, settle(path, people)


async def live(
    base: Path, folder: Path, staff: dict[int, Employee], seed: int, steps: int, days: int
) -> World:
    """Live `days` in so many steps; the world with all that went wrong."""
    world = World.copy(base, folder / f"{os.getpid()}-{seed}.db", staff, seed)
    laws = Laws(world)
    await world.pass_time(timedelta(minutes=5))
    laws.start()
    for _ in range(steps):
        name = await step(world)
        laws.look()
        await world.until_killed(world.worker.drain())
        laws.look()
        await world.pass_time(_gap(world, timedelta(days=days) / steps))
        laws.look()
        if count := broken(world):
            world.fail(f"{count} requests broke at {name}")
            break
    await world.calm()
    laws.look()
    laws.end()
    world.close()
    return world


def _gap(world: World, mean: timedelta) -> timedelta:
    """Mostly minutes, now and then days, `mean` on average."""
    if world.dice.random() < 0.8:
        return timedelta(seconds=world.dice.randrange(5, 3600))
    return mean * world.dice.random() * 10
