"""The robot's messages: private, in groups, and answers to a session.

https://open.dingtalk.com/document/orgapp/chatbots-send-one-on-one-chat-messages-in-batches
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.dingtalk.objects import Json, Message, Refusal
from sandbox.dingtalk.state import State

MOST_USERS = 20
PARAM_BYTES, BODY_BYTES = 15_000, 20_000

# What each template of a message needs.
NEEDED = {
    "sampleText": {"content"},
    "sampleMarkdown": {"title", "text"},
    "sampleLink": {"text", "title", "messageUrl"},
    "sampleImageMsg": {"photoURL"},
    "sampleActionCard": {"title", "text", "singleTitle", "singleURL"},
    "sampleActionCard2": {"title", "text", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2"},
    "sampleActionCard6": {"title", "text", "buttonTitle1", "buttonUrl1", "buttonTitle2", "buttonUrl2"},
}
SESSION_NEEDED = {"text": {"content"}, "markdown": {"title", "text"}, "actionCard": {"title", "text"}}


def to_users(state: State, asked: Json) -> Json:
    # POST /v1.0/robot/oToMessages/batchSend: the 200 lists the people it did not reach.
    users = asked.get("userIds") or []
    if not 1 <= len(users) <= MOST_USERS:
        raise Refusal("invalidParameter.userIds.size", f"{len(users)} userIds")
    content = _content(state, asked)
    query = state.number("query")
    lists: dict[str, list[str]] = {"invalid": [], "flowControlled": [], "filtered": []}
    for user in users:
        person = state.people.get(user)
        why = state.unreachable.get(user) or ("invalid" if person is None or person.corp_id else "")
        if why:
            lists[why].append(user)
        else:
            _post(state, user, asked["msgKey"], content, way="batchSend", query=query)
    found = {f"{why}StaffIdList": missed for why, missed in lists.items()}
    return {"processQueryKey": query} | found


def to_group(state: State, asked: Json) -> Json:
    # POST /v1.0/robot/groupMessages/send.
    place = asked.get("openConversationId")
    if place not in state.groups:
        raise Refusal("invalidParameter.openConversationId", str(place))
    query = state.number("query")
    _post(state, place, asked.get("msgKey") or "", _content(state, asked), way="groupSend", query=query)
    return {"processQueryKey": query}


def to_session(state: State, token: str, asked: Json) -> Json:
    # POST /robot/sendBySession?session=…: no access token, lives 90 minutes.
    session = state.sessions.get(token)
    if session is None or session.until < state.clock():
        raise Refusal("300001", "session 不存在")
    kind = asked.get("msgtype")
    content = asked.get(str(kind))
    if not isinstance(content, dict) or not SESSION_NEEDED.get(str(kind), set()) <= content.keys():
        raise Refusal("40035", f"缺少参数 {kind}")
    if len(json.dumps(asked, ensure_ascii=False).encode()) > BODY_BYTES:
        raise Refusal("460101", "message too long, exceed 20000 bytes")
    at = (asked.get("at") or {}).get("atUserIds") or []
    _post(state, session.place, str(kind), content, way="sessionWebhook", at=tuple(at))
    return {"errcode": 0, "errmsg": "ok"}


def _content(state: State, asked: Json) -> Json:
    if asked.get("robotCode") != state.robot_code:
        raise Refusal("robot.notExist", str(asked.get("robotCode")))
    param: Any = asked.get("msgParam")
    if not isinstance(param, str) or len(param.encode()) > PARAM_BYTES:
        raise Refusal("invalidParameter.msgParam", f"a string of at most {PARAM_BYTES} bytes")
    try:
        content = json.loads(param)
    except ValueError:
        raise Refusal("invalidParameter.msgParam", "not JSON") from None
    needed = NEEDED.get(asked.get("msgKey") or "")
    if needed is None or not isinstance(content, dict) or not needed <= content.keys():
        raise Refusal("invalidParameter.msgKey", f"{asked.get('msgKey')} needs {sorted(needed or ())}")
    return dict(content)


def _post(
    state: State, place: str, kind: str, content: Json, *, way: str, at: tuple[str, ...] = (), query: str = ""
) -> None:
    text = str(content.get("text") or content.get("content") or "")
    title = str(content.get("title") or "")
    state.post(
        Message(
            state.number("msg"),
            place,
            "",
            kind,
            text,
            title=title,
            at=at,
            way=way,
            query=query,
            content=content,
        )
    )
