"""Which models of a LiteLLM are free: by their prices, and by the models to which a failed call goes on.

The budget is checked for the model that a call names. What a free model falls back to is therefore paid past every
limit: https://github.com/BerriAI/litellm/issues/41344, mended in September 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from bot.gateways.client import Calls, Json
from bot.gateways.port import GatewayRefused
from models.metering.ladder import Patterns, matches

# LiteLLM's name for fallbacks of every model.
ANY = "*"
KINDS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


@dataclass(frozen=True)
class Models:
    """`deployed`: model → its deployments. `goes_on`: model → the models that a failed call goes on to."""

    deployed: dict[str, list[Json]]
    goes_on: dict[str, list[str]]

    @classmethod
    async def read(cls, calls: Calls) -> Self:
        deployed: dict[str, list[Json]] = {}
        goes_on: dict[str, list[str]] = {}
        for deployment in (await calls.get("/model/info")).data["data"]:
            name = deployment["model_name"]
            deployed.setdefault(name, []).append(deployment)
            goes_on.setdefault(name, []).extend(
                _names((deployment.get("litellm_params") or {}).get("fallbacks"))
            )
        for name, others in _configured(await _router(calls)):
            goes_on.setdefault(name, []).extend(others)
        return cls(deployed, goes_on)

    def named_by(self, patterns: Patterns) -> tuple[str, ...]:
        """The models that match one pattern of each."""
        return tuple(sorted(matches(self.deployed, patterns)))

    def costs_nothing(self, name: str) -> bool:
        """Every deployment has both prices set to 0. An unknown price is not 0."""
        return name in self.deployed and all(map(_free, self.deployed[name]))

    def paid_after(self, name: str) -> str | None:
        """A model with a price that a call of `name` may go on to, also by way of others."""
        return self.after(name, self.costs_nothing)

    def after(self, name: str, lets: Callable[[str], bool]) -> str | None:
        """A model that is not let through, and that a call of `name` may go on to, also by way of others."""
        seen, waiting = {name}, [name]
        while waiting:
            one = waiting.pop(0)
            for other in (*self.goes_on.get(one, []), *self.goes_on.get(ANY, [])):
                if other not in seen and not lets(other):
                    return other
                waiting += [] if other in seen else [other]
                seen.add(other)
        return None


async def _router(calls: Calls) -> Json:
    try:
        found: Json = (await calls.get("/router/settings")).data["current_values"]
    except GatewayRefused as no:
        if no.status not in (403, 404):  # not for this admin, or an old version
            raise
        return {}
    return found


def _configured(router: Json) -> Iterator[tuple[str, list[str]]]:
    for kind in KINDS:
        for entry in router.get(kind) or ():
            for name, others in entry.items():
                yield name, list(_names(others))
    yield ANY, list(_names(router.get("default_fallbacks")))


def _names(others: Any) -> Iterable[str]:
    # A fallback is a name, or the parameters of a call.
    for one in others or ():
        yield one if isinstance(one, str) else str(one.get("model", one))


def _free(deployment: Json) -> bool:
    return all(_price(deployment, side) == 0 for side in ("input_cost_per_token", "output_cost_per_token"))


def _price(deployment: Json, side: str) -> Any:
    # LiteLLM fills in 0 for a model that it does not know; only a price that the admin set counts.
    params, info = deployment.get("litellm_params") or {}, deployment.get("model_info") or {}
    return params.get(side, info.get(side) if side in (info.get("pricing_overrides") or ()) else None)
