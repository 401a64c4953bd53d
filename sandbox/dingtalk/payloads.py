"""DingTalk's pushes in the vendor's shapes: messages to the robot, changes of the directory."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.dingtalk.objects import Json, Message, Person
from sandbox.dingtalk.state import State

BOT_ID = "$:LWCP_v1:$quotabot"


def heard(state: State, base_url: str, user: str, group: str, at: Iterable[str]) -> Json:
    """The robot's view of a message, without its content."""
    person = state.person(user)
    token, session = state.open_session(group or user)
    mentioned = [_mentioned(state, one) for one in at]
    heard: Json = {
        "conversationId": group or f"cid-{user}",
        "conversationType": "2" if group else "1",
        "msgId": state.number("msg"),
        "createAt": int(state.clock() * 1000),
        "senderId": person.dingtalk_id,
        "senderNick": person.name,
        "senderCorpId": person.corp_id or state.corp_id,
        "isAdmin": person.is_admin,
        "chatbotUserId": BOT_ID,
        "chatbotCorpId": state.corp_id,
        "robotCode": state.robot_code,
        "sessionWebhook": f"{base_url}/robot/sendBySession?session={token}",
        "sessionWebhookExpiredTime": int(session.until * 1000),
    }
    if not person.corp_id:
        heard["senderStaffId"] = user
    if group:
        heard |= {"conversationTitle": state.groups[group].title, "isInAtList": True}
        heard["atUsers"] = [{"dingtalkId": BOT_ID}, *mentioned]
    return heard


def quoting(state: State, said: Message, words: bool) -> tuple[Json, Json]:
    """What a reply carries beside its text: the names of the quoted message, and the message itself.

    Some clients send the words of a card as a tree of elements, others (`words` is false) send none.
    """
    content: Json = {}
    if words and said.card:
        seen = state.cards[said.card].seen_by(said.place)
        rows = [{"elementType": "TEXT", "value": seen.get(name, "")} for name in ("title", "body")]
        content = {"cardContent": {"elementType": "CARD", "children": rows}}
    elif words:
        content = {"text": said.text}
    replied = {
        "msgType": "interactiveCard" if said.card else "text",
        "msgId": said.id,
        "senderId": state.people[said.author].dingtalk_id if said.author else BOT_ID,
        "createdAt": int(said.said_at * 1000),
        "content": content,
    }
    names = {"originalMsgId": said.id} | ({"originalProcessQueryKey": said.query} if said.query else {})
    return names, {"isReplyMsg": True, "repliedMsg": replied}


def _mentioned(state: State, user: str) -> Json:
    # A person outside the organisation has no staffId.
    person = state.person(user)
    return {"dingtalkId": person.dingtalk_id} | ({} if person.corp_id else {"staffId": user})


def changed_person(person: Person) -> Json:
    # user_modify_org writes camelCase, and no departments.
    return {
        "name": person.name,
        "email": person.email,
        "jobNumber": person.job_number,
        "managerUserid": person.manager,
    }
