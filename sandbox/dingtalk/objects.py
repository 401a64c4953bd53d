"""The objects of the stand-in DingTalk, and their shapes on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class Refusal(Exception):  # noqa: N818 - DingTalk's, not ours
    """DingTalk refuses with this code. In the classic family the status is always 200."""

    def __init__(
        self, code: str, message: str = "", *, status: int = 400, scopes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status, self.scopes = code, message, status, scopes

    def modern(self) -> Json:
        body: Json = {"code": self.code, "requestid": "STAND-IN", "message": self.message or self.code}
        return body | ({"accessdenieddetail": {"requiredScopes": list(self.scopes)}} if self.scopes else {})

    def classic(self) -> Json:
        # A missing permission comes as 88 with a sub_code.
        if self.code == "60011":
            sub = {"sub_code": "60011", "sub_msg": f"应用尚未开通所需的权限：{list(self.scopes)}"}
            return {"errcode": 88, "errmsg": "ding talk error", "request_id": "STAND-IN", **sub}
        code = int(self.code) if self.code.lstrip("-").isdigit() else self.code
        return {"errcode": code, "errmsg": self.message or self.code, "request_id": "STAND-IN"}


@dataclass(frozen=True)
class Person:
    """A person in the directory. `corp_id`: only for an outsider in one of our groups."""

    id: str
    name: str
    email: str = ""
    job_number: str = ""
    title: str = ""
    departments: tuple[int, ...] = (1,)
    manager: str = ""
    is_admin: bool = False
    active: bool = True
    corp_id: str = ""

    @property
    def dingtalk_id(self) -> str:
        """The encrypted id that messages carry beside the user id."""
        return f"$:LWCP_v1:${self.id}"

    def as_row(self) -> Json:
        # A row of user/list has no manager.
        return {
            "userid": self.id,
            "unionid": f"union-{self.id}",
            "name": self.name,
            "job_number": self.job_number,
            "title": self.title,
            "email": self.email,
            "org_email": self.email,
            "dept_id_list": list(self.departments),
            "admin": self.is_admin,
            "active": self.active,
        }

    def as_user(self, departments: Iterator[Department]) -> Json:
        # `manager_userid` is left out where nobody filled it in.
        leads = [
            {"dept_id": one.id, "leader": self.id in one.managers}
            for one in departments
            if one.id in self.departments
        ]
        manager = {"manager_userid": self.manager} if self.manager else {}
        return self.as_row() | {"leader_in_dept": leads, "role_list": [], "senior": False} | manager


@dataclass(frozen=True)
class Department:
    """A department below `parent`; 1 is the organisation and has no parent."""

    id: int
    name: str
    parent: int | None = 1
    managers: tuple[str, ...] = ()

    def as_row(self) -> Json:
        return {"dept_id": self.id, "name": self.name, "parent_id": self.parent}

    def as_department(self, members: int) -> Json:
        return self.as_row() | {"dept_manager_userid_list": list(self.managers), "member_count": members}


@dataclass
class Group:
    id: str
    title: str
    members: list[str]


@dataclass(frozen=True)
class Message:
    """A message. `place`: a user id (that user's chat with the bot) or a group's id. `author`: empty for the bot.

    `way`: how the bot sent it (sessionWebhook, batchSend, groupSend or card); `card` is then its
    outTrackId. `query`: the processQueryKey or carrierId that a reply quotes. `said_at`: Unix seconds.
    """

    id: str
    place: str
    author: str
    kind: str
    text: str
    title: str = ""
    at: tuple[str, ...] = ()
    way: str = ""
    card: str = ""
    query: str = ""
    content: Json = field(default_factory=dict)
    said_at: float = 0.0

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "place": self.place,
            "author": self.author,
            "kind": self.kind,
            "title": self.title,
            "text": self.text,
            "at": list(self.at),
            "way": self.way,
            "card": self.card,
            "content": self.content,
            "said_at": self.said_at,
        }


@dataclass
class Card:
    """A delivered card: values for everybody, and private values of single people."""

    track_id: str
    template_id: str
    data: dict[str, str]
    private: dict[str, dict[str, str]]
    callback_type: str = ""
    places: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    forwardable: bool = True
    preview: dict[str, str] = field(default_factory=dict)

    def seen_by(self, user: str) -> dict[str, str]:
        return self.data | self.private.get(user, {})

    def as_json(self, viewer: str) -> Json:
        return {
            "id": self.track_id,
            "template": self.template_id,
            "places": self.places,
            "data": self.seen_by(viewer),
        }


@dataclass(frozen=True)
class Form:
    """A form of DingTalk's own approval: `fields` by label. `revocable`: an administrator lets submitters revoke."""

    code: str
    name: str
    fields: dict[str, str]
    hidden: bool = False
    revocable: bool = True


@dataclass
class Approval:
    """An instance of a form. `started` and `finished` in Unix seconds; `waiting`: the people who may decide now."""

    id: str
    form: str
    originator: str
    approvers: tuple[str, ...]
    values: dict[str, str]
    started: float
    finished: float = 0.0
    status: str = "RUNNING"
    result: str = ""
    waiting: list[str] = field(default_factory=list)
    acts: list[Json] = field(default_factory=list)

    def did(self, user: str, kind: str, at: float, result: str = "NONE", remark: str = "") -> None:
        act = {"userId": user, "type": kind, "date": at, "result": result}
        self.acts.append(act | ({"remark": remark} if remark else {}))

    def as_row(self) -> Json:
        return {
            "id": self.id,
            "originator": self.originator,
            "waiting": list(self.waiting),
            "values": dict(self.values),
            "status": self.status,
            "result": self.result,
        }


@dataclass(frozen=True)
class Call:
    """One call of the app and its answer: `at` in Unix seconds, `code` empty for success."""

    path: str
    body: Json
    status: int = 200
    code: str = ""
    at: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Ack:
    """The acknowledgement of a push. `data`: a card's `response`, an event's status, nothing for a message.

    `error`: offline, lost, timed_out, no_callback, or a code that is not 200.
    """

    code: int | None
    data: Json = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    push: str = ""

    @property
    def ok(self) -> bool:
        return not self.error
