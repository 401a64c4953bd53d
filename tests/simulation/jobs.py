"""A process that lives one seed after the other."""

from __future__ import annotations

import gc
import logging
from pathlib import Path

from tests.simulation.company import Shape
from tests.simulation.lives import Ended, Snapshot, live

_snapshots: list[Snapshot] = []


def begin(folder: Path, shape: Shape, server: str) -> None:
    logging.disable(logging.CRITICAL)
    snapshot = Snapshot(folder, shape, server)
    snapshot.open()
    _snapshots.append(snapshot)
    gc.freeze()  # each life ends with a collection


def live_one(seed: int, replicas: int) -> Ended:
    return live(_snapshots[0], seed, replicas)
