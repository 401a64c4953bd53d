"""A stand-in LiteLLM proxy: users, keys and teams with budgets, and models that really refuse at a reached budget.

Field names, statuses and oddities follow LiteLLM 1.106 to 1.109. A single id in `/user/list` finds every id
that contains it. `/user/update` creates unknown users. Spend shows only after a flush, while the enforcing
counter knows it at once. A user's budget does not count on team keys. Over budget is HTTP 422
(`over_budget_status`: the setting `budget_exceeded_status_code`; 429 and 400 in older versions).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from aiohttp import web

from sandbox.gateways.litellm_management import Management
from sandbox.gateways.litellm_objects import Key, User
from sandbox.gateways.litellm_proxy import error
from sandbox.gateways.litellm_usage import UsageReport
from sandbox.gateways.stand_in import read


class LiteLLM(Management, UsageReport):
    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post("/v1/chat/completions", self._chat), *self.management(), *self.reports()]

    def authorize(self, request: web.Request, route: str) -> None:
        # The master key for everything but models.
        if request.path.startswith("/v1/") or request.headers.get("Authorization") == f"Bearer {self.key}":
            return
        raise error(401, "Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db")

    async def _chat(self, request: web.Request) -> web.Response:
        key, body = self._caller(request), await read(request)
        if body.get("model") not in self.prices:
            raise error(
                400, f"Invalid model name passed in model={body.get('model')}", "invalid_request_error"
            )
        self._check_models(key, body["model"])
        price = self.prices[body["model"]]
        if any(price):
            self._check_budgets(key)
        text = str(body["messages"][-1]["content"])
        found = re.search(r"in=(\d+) out=(\d+)", text)
        tokens = (int(found[1]), int(found[2])) if found else (1000, 500)
        self.bill(key, body["model"], tokens[0] * price[0] + tokens[1] * price[1], tokens)
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        answer = {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": "chat.completion", "model": body["model"]}
        return web.json_response(answer | {"choices": [choice], "usage": usage})

    def _caller(self, request: web.Request) -> Key:
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = next((key for key in self.keys.values() if key.secret == secret), None)
        if key is None:
            raise error(
                401, "Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db"
            )
        if key.blocked:
            raise error(401, "Key is blocked. Update via `/key/unblock` if you're an admin.", "auth_error")
        return key

    def _check_models(self, key: Key, model: str) -> None:
        """Every list that applies has to let the model through; a user's does not apply to keys of a team."""
        for name, budget in self.lists(key).items():
            if not budget.lets(model):
                raise error(403, f"{name} not allowed to access model {model}", "key_model_access_denied")

    def _check_budgets(self, key: Key) -> None:
        for name, budget in self.budgets(key).items():
            if not budget.reached:
                continue
            said = f"Budget has been exceeded! {name} Current cost: {budget.live}, Max budget: {budget.max_budget}"
            if isinstance(budget, User):
                said = f"ExceededBudget: {name} over budget. Spend={budget.live}, Budget={budget.max_budget}"
            raise error(self._status, said, "budget_exceeded")
