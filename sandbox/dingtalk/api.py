"""Calls of the stand-in DingTalk: permissions, limits, and both families of answers."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.dingtalk import approvals, cards, directory, faults, robot, templates
from sandbox.dingtalk.faults import DingTalkFault, Faults
from sandbox.dingtalk.objects import Call, Json, Refusal
from sandbox.dingtalk.state import State

TOKEN_SECONDS = 7200
WEBHOOK = "/robot/sendBySession"


@dataclass(frozen=True)
class Door:
    """One call: its method, its permission, and whether it counts against the month."""

    answer: Callable[[State, Json], Any]
    scope: str = ""
    metered: bool = True


@dataclass
class Plan:
    """The organisation's plan: calls a month, calls a second to one API. Tests may set `used`."""

    monthly: int = 5_000
    per_second: int = 20
    used: int = 0

    @property
    def spent(self) -> bool:
        # Beside failing calls, messages then arrive without their text.
        return self.used >= self.monthly


TEMPLATES = "Card.Template.ReadWrite.All"
STARTED, FORMS = "Workflow.Instance.Write", "Workflow.Form.Write"
MEMBERS, DEPARTMENTS = "qyapi_get_member", "qyapi_get_department_list"
DOORS = {
    "POST /v1.0/robot/oToMessages/batchSend": Door(robot.to_users, "qyapi_robot_sendmsg"),
    "POST /v1.0/robot/groupMessages/send": Door(robot.to_group, "qyapi_robot_sendmsg"),
    "POST /v1.0/card/instances/createAndDeliver": Door(cards.create, "Card.Instance.Write"),
    "PUT /v1.0/card/instances": Door(cards.update, "Card.Instance.Write"),
    "POST /v1.0/card/templates": Door(templates.create, TEMPLATES),
    "POST /v1.0/card/templates/save": Door(templates.save, TEMPLATES),
    "POST /v1.0/card/templates/publish": Door(templates.publish, TEMPLATES),
    "POST /v1.0/workflow/forms": Door(approvals.save_form, FORMS),
    "POST /v1.0/workflow/processInstances": Door(approvals.start, STARTED),
    "GET /v1.0/workflow/processInstances": Door(approvals.read, "Workflow.Instance.Read"),
    "POST /v1.0/workflow/processes/instanceIds/query": Door(approvals.listed, "Workflow.Instance.Read"),
    "POST /v1.0/workflow/processInstances/terminate": Door(approvals.terminate, STARTED),
    "POST /topapi/v2/user/get": Door(directory.user, MEMBERS, metered=False),
    "POST /topapi/v2/user/list": Door(directory.users, MEMBERS, metered=False),
    "POST /topapi/v2/department/get": Door(directory.department, DEPARTMENTS, metered=False),
    "POST /topapi/v2/department/listsub": Door(directory.departments, DEPARTMENTS, metered=False),
}


class Api:
    """All HTTP endpoints except opening a connection."""

    def __init__(self, state: State, faults: Faults, plan: Plan, credentials: tuple[str, str]) -> None:
        # The app's permissions; a test takes one away to see the refusal.
        self.scopes = {door.scope for door in DOORS.values()}
        self._state, self._faults, self._plan = state, faults, plan
        self._credentials = credentials
        self._tokens: dict[str, float] = {}
        self._turns: defaultdict[str, deque[float]] = defaultdict(deque)

    def expire_tokens(self) -> None:
        self._tokens.clear()

    async def call(self, request: web.Request) -> web.StreamResponse:
        # As DingTalk does: planned faults, then token, scope and limits, then the method.
        asked, path, began = await _body(request), request.path, self._state.clock()
        where = f"{request.method} {path}"
        fault = self._faults.first(where, *faults.BEFORE)
        try:
            status, code = 200, ""
            body = self._fail_before(path, fault) if fault else self._answer(request, asked)
        except Refusal as refusal:
            status, code, body = _told(path, refusal)
        self._state.record(Call(path, asked, status, code, began, self._state.clock() - began))
        late = None if fault else self._faults.first(where, *faults.AFTER)
        if late:
            return await self._fail_after(request, late, status, body)
        if isinstance(body, str):
            return web.Response(text=body, content_type="text/html")
        return web.json_response(body, status=status)

    def _answer(self, request: web.Request, asked: Json) -> Json:
        path = request.path
        if path == "/v1.0/oauth2/accessToken":
            return self._new_token(asked)
        if path == WEBHOOK:
            self._pace(path)
            return robot.to_session(self._state, request.query.get("session", ""), asked)
        classic = path.startswith("/topapi/")
        door = DOORS.get(f"{request.method} {path}")
        if door is None:
            raise Refusal("22" if classic else "InvalidAction.NotFound", path, status=404)
        self._check_token(request, classic=classic)
        if door.scope not in self.scopes:
            code = "60011" if classic else "Forbidden.AccessDenied.AccessTokenPermissionDenied"
            raise Refusal(code, "应用尚未开通所需的权限", status=403, scopes=(door.scope,))
        self._pace(path)
        if door.metered:
            self._meter()
        result = door.answer(self._state, asked)
        return {"errcode": 0, "errmsg": "ok", "result": result} if classic else dict(result)

    def _new_token(self, asked: Json) -> Json:
        if (asked.get("appKey"), asked.get("appSecret")) != self._credentials:
            raise Refusal("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
        token = secrets.token_urlsafe(12)
        self._tokens[token] = time.monotonic() + TOKEN_SECONDS
        return {"accessToken": token, "expireIn": TOKEN_SECONDS}

    def _check_token(self, request: web.Request, *, classic: bool) -> None:
        header = request.headers.get("x-acs-dingtalk-access-token", "")
        token = request.query.get("access_token", "") if classic else header
        # In real seconds, as the app counts them, also where the organisation's own clock is set.
        if self._tokens.get(token, 0) <= time.monotonic():
            code = "40014" if classic else "InvalidAuthentication"
            raise Refusal(code, "不合法的access_token", status=401)

    def _pace(self, path: str) -> None:
        turns, now = self._turns[path], self._state.clock()
        while turns and turns[0] <= now - 1:
            turns.popleft()
        if len(turns) >= self._plan.per_second:
            raise _too_fast(path)
        turns.append(now)

    def _meter(self) -> None:
        if self._plan.spent:
            raise Refusal("Forbidden.AccessDenied.ApiCountLimitForOrg", "本月API调用量已用完", status=403)
        self._plan.used += 1
        self._state.tell("plan", {"used": self._plan.used, "monthly": self._plan.monthly})

    def _fail_before(self, path: str, fault: DingTalkFault) -> Any:
        if fault.how == faults.THROTTLED:
            raise _too_fast(path)
        if fault.how == faults.PAGED:
            return "<html><body>Sorry, your request has been blocked.</body></html>"
        if fault.how == faults.PUNISHED:
            return {"status": 1111, "wait": 5, "source": "x5", "punish": "deny"}
        raise fault.refusal or Refusal("ServiceUnavailable", status=503)

    async def _fail_after(
        self, request: web.Request, fault: DingTalkFault, status: int, body: Any
    ) -> web.StreamResponse:
        if fault.how == faults.HELD:
            await fault.release.wait()
            return web.json_response(body, status=status)
        if fault.how == faults.REPLY_LOST:
            if request.transport:
                request.transport.abort()
            return web.Response()
        if fault.how == faults.TIMED_OUT and _is_classic(request.path):
            return web.json_response({"errcode": 15, "errmsg": "远程服务调用超时"})
        code = 504 if fault.how == faults.TIMED_OUT else 500
        return web.json_response({"code": "ServiceTimeout", "message": "timeout"}, status=code)


def _told(path: str, refusal: Refusal) -> tuple[int, str, Json]:
    """A refusal on the wire: status, code for our log, body."""
    if _is_classic(path):
        return 200, refusal.code, refusal.classic()
    return refusal.status, refusal.code, refusal.modern()


def _too_fast(path: str) -> Refusal:
    if _is_classic(path):
        return Refusal("90018", "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了")
    return Refusal("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "QPS limit", status=403)


def _is_classic(path: str) -> bool:
    return path.startswith("/topapi/") or path == WEBHOOK


async def _body(request: web.Request) -> Json:
    if request.method == "GET":
        return dict(request.query)
    try:
        asked = await request.json()
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}
