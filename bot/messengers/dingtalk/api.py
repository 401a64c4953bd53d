"""DingTalk's server API: messages, cards, directory and templates, one method a call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.messengers.dingtalk.client import Api, Client, part
from bot.messengers.dingtalk.errors import DingTalkError, Json, OutcomeUnknown

Values = Mapping[str, str | bool | int]

# The vendor's limit on recipients of one batchSend.
MOST_USERS = 20
# Limits of a card variable. DingTalk says "1 KB" without saying of what; 1,000 bytes is the safe reading.
KEY_BYTES, VALUE_BYTES = 100, 1000


# Metered or exempt: https://open.dingtalk.com/document/development/how-to-process-api-throttling
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
    """Result of a message to several people. `unreached`: {user id: reason}."""

    query_key: str
    unreached: dict[str, str]


@dataclass(frozen=True)
class User:
    """A person in the directory. `manager` is set only where 直属主管 was filled in, and never in the rows of a list."""

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


class DingTalkApi(Client):
    """DingTalk's server API for one app. Every method raises `DingTalkError`; a send may raise `OutcomeUnknown`.

    A throttled call is repeated after a second; a timed-out call is repeated only if it is `repeatable`.
    """

    async def reply(self, session_webhook: str, kind: str, content: Json, at: Sequence[str] = ()) -> None:
        """Answer through a sessionWebhook; after its end DingTalk answers 300001. `at`: user ids to mention."""
        body = {"msgtype": kind, kind: content, "at": {"atUserIds": list(at), "isAtAll": False}}
        # A rejected reply comes as HTTP 200 with an errcode; without an errcode nothing is known.
        answer = await self.call(REPLY, body, self._webhook(session_webhook))
        if answer.get("errcode") != 0:
            raise OutcomeUnknown("odd answer", "no errcode from sessionWebhook")

    async def send_to_users(self, user_ids: Sequence[str], msg_key: str, msg_param: Json) -> Sent:
        """Send a private message to at most 20 people. A success can hide people who got nothing: see `unreached`."""
        if not 1 <= len(user_ids) <= MOST_USERS:
            raise ValueError(f"{len(user_ids)} people: DingTalk takes 1 to {MOST_USERS}")
        answer = await self.call(
            SEND_TO_USERS, self._spoken(msg_key, msg_param) | {"userIds": list(user_ids)}
        )
        # An HTTP 200 lists the people that DingTalk left out, by reason.
        reasons = {
            "invalid": "invalidStaffIdList",
            "flow controlled": "flowControlledStaffIdList",
            "filtered": "filteredStaffIdList",
        }
        unreached = {user: why for why, name in reasons.items() for user in answer.get(name) or ()}
        return Sent(answer.get("processQueryKey") or "", unreached)

    async def send_to_group(self, conversation_id: str, msg_key: str, msg_param: Json) -> str:
        """Send a message to a group. Returns the key by which the message could be recalled."""
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
    ) -> str:
        """Create a card in a person's chat with the bot, or in a group.

        `preview`: the line of the chat list by language (ZH_CN, EN_US). The `track_id` names the card for
        ever: creating it again changes nothing, so after `OutcomeUnknown` the same id can be tried again. Returns
        the carrierId, by which a reply quotes the card.
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
        # HTTP 200 does not mean delivered: each space reports its own result.
        results = part(answer, "result", dict).get("deliverResults") or [
            {"errorMsg": "nothing was delivered"}
        ]
        if failed := [result for result in results if result.get("success") is not True]:
            raise DingTalkError("card not delivered", str(failed[0].get("errorMsg") or ""))
        return _text(results[0].get("carrierId") or "")

    async def update_card(
        self, track_id: str, values: Values, private: Mapping[str, Values] | None = None
    ) -> None:
        """Change the given variables of a card, for everybody or for the users in `private`; the other variables stay."""
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
        """One person with their manager. DingTalk answers 60121 for an unknown id."""
        answer = await self.call(USER, {"userid": user_id, "language": "zh_CN"})
        return User.read(part(answer, "result", dict))

    async def users(self, department: int, cursor: int = 0) -> UserPage:
        """One page of 100 people of a department, without their managers."""
        asked = {"dept_id": department, "cursor": cursor, "size": 100, "contain_access_limit": False}
        page = part(await self.call(USERS, asked), "result", dict)
        people = tuple(User.read(row) for row in part(page, "list", list))
        return UserPage(people, part(page, "next_cursor", int) if page.get("has_more") else None)

    async def departments(self, parent: int = 1) -> tuple[Department, ...]:
        """The departments directly below `parent`; 1 is the organisation."""
        answer = await self.call(DEPARTMENTS, {"dept_id": parent, "language": "zh_CN"})
        return tuple(Department.read(row) for row in part(answer, "result", list))

    async def department(self, department: int) -> Department:
        """One department with its managers. DingTalk answers 60003 for an unknown id."""
        answer = await self.call(DEPARTMENT, {"dept_id": department, "language": "zh_CN"})
        return Department.read(part(answer, "result", dict))

    async def create_template(self, name: str) -> str:
        """Create an empty card template and return its id.

        Needs Card.Template.ReadWrite.All; DingTalk documents no page for it.
        """
        answer = await self.call(CREATE_TEMPLATE, {"name": name, "type": "im", "extendType": "card"})
        return part(part(answer, "data", dict), "templateId", str)

    async def save_template(self, template_id: str, name: str, source: str) -> None:
        await self.call(SAVE_TEMPLATE, {"templateId": template_id, "name": name, "templateSource": source})

    async def publish_template(self, template_id: str) -> None:
        # A published template cannot be edited any more.
        await self.call(PUBLISH_TEMPLATE, {"templateId": template_id})

    def _spoken(self, msg_key: str, msg_param: Json) -> Json:
        param = json.dumps(msg_param, ensure_ascii=False)
        return {"robotCode": self._robot_code, "msgKey": msg_key, "msgParam": param}


def card_values(values: Values) -> dict[str, str]:
    """Card variables are strings. Values over 1 KB are cut between two characters."""
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
