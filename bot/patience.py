"""How long a request may take. A test on a busy machine gives more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """In seconds. `commit`: until a request that has not committed is rolled back; Slack gives up at three.

    `read`: for a profile or the gateway's spend, before the transaction.
    `click`: until an answer to a click in DingTalk may come too late to be shown; DingTalk gives up at two.
    `card`: for reading a card's new state after the decision.
    """

    commit: float = 2.0
    read: float = 0.8
    click: float = 1.8
    card: float = 0.5
