"""How many examples a costly property test tries: few in `make test`, many more in `make explore`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

FACTOR = int(os.environ.get("QUOTABOT_EXAMPLES", "1"))
"""How many times as many examples as in `make test`."""
UNSHRUNK = (Phase.explicit, Phase.generate)
"""Shrinking a story of fifty steps takes minutes, and a story that fails is told whole."""


def stories(count: int) -> settings:
    """So many examples (times `FACTOR`) of what takes a database or a gateway each."""
    return settings(max_examples=count * FACTOR, phases=UNSHRUNK, suppress_health_check=list(HealthCheck))
