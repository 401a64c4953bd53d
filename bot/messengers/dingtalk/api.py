"""Calls to DingTalk: the token, messages, cards, the directory, templates.

Ours rather than the SDK's, which calls synchronously, without a time limit, and swallows errors. Two families of API:
api.dingtalk.com (token in a header, failures as HTTP status and `code`) and oapi.dingtalk.com (token in the query,
failures as `errcode` inside a 200). https://open.dingtalk.com/document/development/server-api-overview
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError
from yarl import URL

from bot.messengers.dingtalk.errors import (
    DingTalkError,
    Json,
    OutcomeUnknown,
    Throttled,
    TokenRefused,
    failure,
    parsed,
)

Values = Mapping[str, str | bool | int]
T = TypeVar("T")

MOST_USERS = 20
"""People whom one `send_to_users` may name."""
KEY_BYTES, VALUE_BYTES = 100, 1000
"""Of a card's variable. DingTalk says "1 KB" without saying which; this is the smaller one."""
PER_SECOND = 20
"""Calls a second to one API, on the free plan."""
ATTEMPTS = 4


@dataclass(frozen=True)
class Api:
    """One call: whether it counts against the month's quota, and whether repeating it does no harm."""

    name: str
    path: str
    method: str = "POST"
    metered: bool = True
    repeatable: bool = False
    needs_token: bool = True


# Metered or exempt: https://open.dingtalk.com/document/development/how-to-process-api-throttling
TOKEN = Api(
    "oauth2/accessToken", "/v1.0/oauth2/accessToken", metered=False, repeatable=True, needs_token=False
)
# Neither listed as exempt nor said to be counted: it has a row of its own.
REPLY = Api("sessionWebhook", "", metered=False, needs_token=False)
SEND_TO_USERS = Api("robot/oToMessages/batchSend", "/v1.0/robot/oToMessages/batchSend")
SEND_TO_GROUP = Api("robot/groupMessages/send", "/v1.0/robot/groupMessages/send")
CREATE_CARD = Api("card/instances/createAndDeliver", "/v1.0/card/instances/createAndDeliver")
UPDATE_CARD = Api("card/instances", "/v1.0/card/instances", method="PUT", repeatable=True)
CREATE_TEMPLATE = Api("card/templates", "/v1.0/card/templates")
SAVE_TEMPLATE = Api("card/templates/save", "/v1.0/card/templates/save", repeatable=True)
PUBLISH_TEMPLATE = Api("card/templates/publish", "/v1.0/card/templates/publish", repeatable=True)
USER = Api("user/get", "/topapi/v2/user/get", metered=False, repeatable=True)
USERS = Api("user/list", "/topapi/v2/user/list", metered=False, repeatable=True)
DEPARTMENT = Api("department/get", "/topapi/v2/department/get", metered=False, repeatable=True)
DEPARTMENTS = Api("department/listsub", "/topapi/v2/department/listsub", metered=False, repeatable=True)


@dataclass(frozen=True)
class Sent:
    """A message to several people: `unreached` tells whom it did not reach, and why."""

    query_key: str
    unreached: dict[str, str]


@dataclass(frozen=True)
class User:
    """Somebody in the directory. `manager` is there only where 直属主管 was filled in, and never in a list's rows."""

    id: str
    name: str
    union_id: str = ""
    email: str = ""
    job_number: str = ""
    title: str = ""
    departments: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    manager: str = ""
    active: bool = True

    @classmethod
    def read(cls, row: Json) -> User:
        return cls(
            id=part(row, "userid", str),
            name=part(row, "name", str),
            union_id=row.get("unionid") or "",
            email=row.get("org_email") or row.get("email") or "",
            job_number=row.get("job_number") or "",
            title=row.get("title") or "",
            departments=tuple(row.get("dept_id_list") or ()),
            leads=tuple(led["dept_id"] for led in row.get("leader_in_dept") or () if led.get("leader")),
            manager=row.get("manager_userid") or "",
            active=row.get("active") is not False,
        )


@dataclass(frozen=True)
class UserPage:
    """Some people of a department; `next_cursor` is None on the last page."""

    users: tuple[User, ...]
    next_cursor: int | None


@dataclass(frozen=True)
class Department:
    """A department; `managers` is empty in a list's rows."""

    id: int
    name: str
    parent: int | None = None
    managers: tuple[str, ...] = ()

    @classmethod
    def read(cls, row: Json) -> Department:
        return cls(
            id=part(row, "dept_id", int),
            name=part(row, "name", str),
            parent=row.get("parent_id"),
            managers=tuple(row.get("dept_manager_userid_list") or ()),
        )


class DingTalkApi:
    """DingTalk's server side, for one app. Every method raises `DingTalkError`; a send may raise `OutcomeUnknown`.

    What was throttled waits a second and goes again; a timeout is repeated only where repeating does no harm.
    """

    def __init__(
        self,
        http: ClientSession,
        client_id: str,
        secret: str,
        api_url: str = "https://api.dingtalk.com",
        oapi_url: str = "https://oapi.dingtalk.com",
        *,
        robot_code: str = "",
        counted: Callable[[Api], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.calls: Counter[Api] = Counter()
        """Calls that went out, repetitions included, since the start."""
        self._http, self._client_id, self._secret = http, client_id, secret
        self._api_url, self._oapi_url = api_url.rstrip("/"), oapi_url.rstrip("/")
        self._robot_code = robot_code or client_id
        self._counted = counted
        self._clock, self._sleep = clock, sleep
        self._token, self._token_until = "", 0.0
        self._token_lock = asyncio.Lock()
        self._turns: defaultdict[Api, deque[float]] = defaultdict(lambda: deque(maxlen=PER_SECOND))

    async def reply(self, session_webhook: str, kind: str, content: Json, at: Sequence[str] = ()) -> None:
        """Answer where a message came from, while its session lives (300001 after); `at` mentions user ids."""
        body = {"msgtype": kind, kind: content, "at": {"atUserIds": list(at), "isAtAll": False}}
        answer = await self.call(REPLY, body, self._webhook(session_webhook))
        if answer.get("errcode") != 0:
            raise OutcomeUnknown("odd answer", "no errcode from sessionWebhook")

    async def send_to_users(self, user_ids: Sequence[str], msg_key: str, msg_param: Json) -> Sent:
        """Say something to at most 20 people in private. A success can hide people who got nothing: see `unreached`."""
        if not 1 <= len(user_ids) <= MOST_USERS:
            raise ValueError(f"{len(user_ids)} people: DingTalk takes 1 to {MOST_USERS}")
        answer = await self.call(
            SEND_TO_USERS, self._spoken(msg_key, msg_param) | {"userIds": list(user_ids)}
        )
        reasons = {
            "invalid": "invalidStaffIdList",
            "flow controlled": "flowControlledStaffIdList",
            "filtered": "filteredStaffIdList",
        }
        unreached = {user: why for why, name in reasons.items() for user in answer.get(name) or ()}
        return Sent(answer.get("processQueryKey") or "", unreached)

    async def send_to_group(self, conversation_id: str, msg_key: str, msg_param: Json) -> str:
        """Say something in a group, mentioning nobody; returns the key by which it could be recalled."""
        body = self._spoken(msg_key, msg_param) | {"openConversationId": conversation_id}
        return (await self.call(SEND_TO_GROUP, body)).get("processQueryKey") or ""

    async def create_card(
        self,
        template_id: str,
        track_id: str,
        values: Values,
        *,
        user: str = "",
        group: str = "",
        private: Mapping[str, Values] | None = None,
        preview: Mapping[str, str] | None = None,
        recipients: Sequence[str] = (),
    ) -> None:
        """Put a card into somebody's chat with the bot, or into a group.

        `preview` is the line of the chat list by language (ZH_CN, EN_US). A card stands for ever under its `track_id`:
        creating it again changes nothing, so after `OutcomeUnknown` the same id may be tried again.
        """
        space, kind, where = ("IM_ROBOT", "imRobot", user) if user else ("IM_GROUP", "imGroup", group)
        deliver: Json = {"robotCode": self._robot_code} | ({"spaceType": space} if user else {})
        body: Json = {
            "cardTemplateId": template_id,
            "outTrackId": track_id,
            "callbackType": "STREAM",
            "userIdType": 1,
            "cardData": {"cardParamMap": card_values(values)},
            "privateData": _private(private),
            "openSpaceId": f"dtv1.card//{space}.{where}",
            f"{kind}OpenSpaceModel": {"supportForward": False, "lastMessageI18n": dict(preview or {})},
            f"{kind}OpenDeliverModel": deliver | ({"recipients": list(recipients)} if recipients else {}),
        }
        answer = await self.call(CREATE_CARD, body)
        results = part(answer, "result", dict).get("deliverResults") or [
            {"errorMsg": "nothing was delivered"}
        ]
        if failed := [result for result in results if result.get("success") is not True]:
            raise DingTalkError("card not delivered", str(failed[0].get("errorMsg") or ""))

    async def update_card(
        self, track_id: str, values: Values, private: Mapping[str, Values] | None = None
    ) -> None:
        """Change some variables of a card, for everybody or for those named in `private`; others stay."""
        by_key = {"updateCardDataByKey": True, "updatePrivateDataByKey": True}
        body = {
            "outTrackId": track_id,
            "userIdType": 1,
            "cardData": {"cardParamMap": card_values(values)},
            "privateData": _private(private),
            "cardUpdateOptions": by_key,
        }
        await self.call(UPDATE_CARD, body)

    async def user(self, user_id: str) -> User:
        """Somebody, with their manager. 60121: there is nobody of that id."""
        answer = await self.call(USER, {"userid": user_id, "language": "zh_CN"})
        return User.read(part(answer, "result", dict))

    async def users(self, department: int, cursor: int = 0) -> UserPage:
        """A hundred people of one department, without their managers."""
        asked = {"dept_id": department, "cursor": cursor, "size": 100, "contain_access_limit": False}
        page = part(await self.call(USERS, asked), "result", dict)
        people = tuple(User.read(row) for row in part(page, "list", list))
        return UserPage(people, part(page, "next_cursor", int) if page.get("has_more") else None)

    async def departments(self, parent: int = 1) -> tuple[Department, ...]:
        """The departments directly below one; 1 is the organisation."""
        answer = await self.call(DEPARTMENTS, {"dept_id": parent, "language": "zh_CN"})
        return tuple(Department.read(row) for row in part(answer, "result", list))

    async def department(self, department: int) -> Department:
        """One department, with its managers. 60003: there is none of that id."""
        answer = await self.call(DEPARTMENT, {"dept_id": department, "language": "zh_CN"})
        return Department.read(part(answer, "result", dict))

    async def create_template(self, name: str) -> str:
        """A new, empty card template, and its id. Needs Card.Template.ReadWrite.All; DingTalk documents no page for it."""
        answer = await self.call(CREATE_TEMPLATE, {"name": name, "type": "im", "extendType": "card"})
        return part(part(answer, "data", dict), "templateId", str)

    async def save_template(self, template_id: str, name: str, source: str) -> None:
        """Fill a template with an exported design."""
        await self.call(SAVE_TEMPLATE, {"templateId": template_id, "name": name, "templateSource": source})

    async def publish_template(self, template_id: str) -> None:
        """Make a template usable, and lock it."""
        await self.call(PUBLISH_TEMPLATE, {"templateId": template_id})

    def _spoken(self, msg_key: str, msg_param: Json) -> Json:
        param = json.dumps(msg_param, ensure_ascii=False)
        return {"robotCode": self._robot_code, "msgKey": msg_key, "msgParam": param}

    def _webhook(self, session_webhook: str) -> str:
        """Its address on the oapi host that was configured; elsewhere than DingTalk's hosts nothing is sent."""
        url = URL(session_webhook)
        ours = URL(self._oapi_url)
        if url.origin() == ours.origin():
            return session_webhook
        if url.scheme != "https" or not (url.host or "").endswith((".dingtalk.com", ".dingtalk.io")):
            raise DingTalkError("foreign webhook", url.host or "")
        return self._oapi_url + url.path_qs if url.host == "oapi.dingtalk.com" else session_webhook

    async def call(self, api: Api, body: Json, url: str = "") -> Json:
        """One call, repeated where that may help and does no harm; a GET's `body` goes into its query."""
        for attempt in range(ATTEMPTS):
            try:
                return await self._ask(api, body, url)
            except DingTalkError as error:
                refusal = error
            pause = _pause(api, refusal, attempt)
            if pause is None:
                break
            await self._sleep(pause)
        if isinstance(refusal, OutcomeUnknown) and api.repeatable:
            raise DingTalkError(refusal.code, refusal.message, refusal.request_id, temporary=True)
        raise refusal

    async def _ask(self, api: Api, body: Json, url: str) -> Json:
        token = await self._access_token() if api.needs_token else ""
        headers = {"Accept": "application/json"}
        if api.path.startswith("/topapi/"):
            url = str(URL(self._oapi_url + api.path).with_query(access_token=token))
        elif not url:
            address = URL(self._api_url + api.path)
            url = str(address.with_query(body) if api.method == "GET" else address)
            headers |= {"x-acs-dingtalk-access-token": token} if token else {}
        await self._turn(api)
        status, answer = await self._exchange(api, url, body, headers)
        refusal = failure(status, answer)
        if isinstance(refusal, TokenRefused) and token == self._token:
            self._token = ""
        if refusal:
            raise refusal
        return answer or {}

    async def _exchange(
        self, api: Api, url: str, body: Json, headers: dict[str, str]
    ) -> tuple[int, Json | None]:
        """Status and JSON of the answer. Errors lose their texts, which hold the address and so the token."""
        self.calls[api] += 1
        if self._counted:
            self._counted(api)
        timeout = ClientTimeout(total=10, sock_connect=5)
        try:
            async with self._http.request(
                api.method,
                url,
                json=None if api.method == "GET" else body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                return answer.status, parsed(await answer.read())
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise DingTalkError("unreachable", type(error).__name__, temporary=True) from None
        except (ClientError, OSError, TimeoutError) as error:
            raise OutcomeUnknown("no answer", type(error).__name__) from None

    async def _access_token(self) -> str:
        """The app's token, fetched once however many ask, five minutes before it would run out."""
        async with self._token_lock:
            if not self._token or self._clock() >= self._token_until:
                answer = await self.call(TOKEN, {"appKey": self._client_id, "appSecret": self._secret})
                self._token = part(answer, "accessToken", str)
                self._token_until = self._clock() + part(answer, "expireIn", int) - 300
            return self._token

    async def _turn(self, api: Api) -> None:
        """Wait until this second has room for another call; the place is taken before the wait, so nobody overtakes."""
        turns, now = self._turns[api], self._clock()
        due = max(now, turns[0] + 1) if len(turns) == PER_SECOND else now
        turns.append(due)
        if due > now:
            await self._sleep(due - now)


def card_values(values: Values) -> dict[str, str]:
    """Variables as a card takes them: strings only, each cut between two characters to 1 KB."""
    for key in values:
        if len(key.encode()) > KEY_BYTES:
            raise ValueError(f"a card's key has at most {KEY_BYTES} bytes: {key[:30]}…")
    return {key: _cut(_text(value)) for key, value in values.items()}


def _text(value: str | bool | int) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _cut(text: str) -> str:
    if len(text.encode()) <= VALUE_BYTES:
        return text
    return text.encode()[: VALUE_BYTES - len("…".encode())].decode(errors="ignore") + "…"


def _private(values: Mapping[str, Values] | None) -> Json:
    return {user: {"cardParamMap": card_values(seen)} for user, seen in (values or {}).items()}


def _pause(api: Api, refusal: DingTalkError, attempt: int) -> float | None:
    """Seconds after which to ask again; None: do not."""
    # Chance spreads callers out and guards nothing.
    spread = 1 + random.random() / 4  # noqa: S311
    if attempt + 1 == ATTEMPTS or refusal.retry_after:
        return None
    if isinstance(refusal, Throttled):
        return spread
    if isinstance(refusal, TokenRefused):
        return 0 if attempt == 0 else None
    if api.repeatable and (refusal.temporary or isinstance(refusal, OutcomeUnknown)):
        return spread * (1 << attempt) / 2
    return None


def part(answer: Json, name: str, kind: type[T]) -> T:
    """A field that must be there: a directory half read would make people leave."""
    part = answer.get(name)
    if not isinstance(part, kind):
        raise DingTalkError("odd answer", f"no {name} in it", temporary=True)
    return part
