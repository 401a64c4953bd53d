"""The activity, prices and settings of a stand-in LiteLLM."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from aiohttp import web

from sandbox.gateways.litellm_proxy import Proxy, Spent
from sandbox.gateways.stand_in import Json, page


class UsageReport(Proxy):
    """Activity comes in pages of rows: a day may continue on the next page."""

    def reports(self) -> list[web.RouteDef]:
        return [
            web.get("/user/daily/activity", self._activity),
            web.get("/model/info", self._model_info),
            web.get("/router/settings", self._router_settings),
            web.get("/config/list", self._config),
        ]

    def _used(self, request: web.Request) -> list[tuple[Spent, Json]]:
        query = request.query
        first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
        rows = [(spent, row) for spent, row in sorted(self._daily.items()) if first <= spent[0] <= last]
        wanted = query.get("user_id", ""), query.get("api_key", "")
        return [
            (at, row)
            for at, row in rows
            if all(want in ("", has) for want, has in zip(wanted, at[1:3], strict=True))
        ]

    async def _activity(self, request: web.Request) -> web.Response:
        rows, number = self._used(request), int(request.query["page"])
        size = min(int(request.query["page_size"]), self._rows)
        days: dict[date, dict[str, dict[str, Json]]] = defaultdict(lambda: defaultdict(dict))
        for (day, user, token, model), row in page(rows, number, size):
            days[day][model][token] = {"metrics": row, "metadata": self._about(token, user)}
        results = [
            {
                "date": day.isoformat(),
                "breakdown": {
                    "models": {f"vendor/{m}": {"api_key_breakdown": k} for m, k in models.items()},
                    "model_groups": {m: {"api_key_breakdown": k} for m, k in models.items()},
                },
            }
            for day, models in days.items()
        ]
        total = -(-len(rows) // size)
        metadata = {"page": number, "total_pages": total, "has_more": number < total}
        return web.json_response({"results": results, "metadata": metadata})

    def _about(self, token: str, user: str) -> Json:
        key = self.keys.get(token)
        if key is None:  # deleted: whose it was is still known
            return {"key_alias": None, "team_id": None, "user_id": user or None, "key_exists": False}
        return {
            "key_alias": key.key_alias,
            "team_id": key.team_id,
            "user_id": key.user_id,
            "key_exists": True,
        }

    async def _model_info(self, request: web.Request) -> web.Response:
        def row(name: str, price: tuple[float, float]) -> Json:
            costs = {"input_cost_per_token": price[0], "output_cost_per_token": price[1]}
            return {"model_name": name, "litellm_params": {"model": name, **costs}, "model_info": costs}

        return web.json_response({"data": [row(*item) for item in self.prices.items()]})

    async def _router_settings(self, request: web.Request) -> web.Response:
        return web.json_response({"fields": [], "current_values": self.router})

    async def _config(self, request: web.Request) -> web.Response:
        return web.json_response(
            [{"field_name": name, "field_value": value} for name, value in self.settings.items()]
        )
