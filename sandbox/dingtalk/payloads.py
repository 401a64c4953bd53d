"""DingTalk's pushes in the vendor's shapes: messages to the robot, changes of the directory."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.dingtalk.objects import Json, Person
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
