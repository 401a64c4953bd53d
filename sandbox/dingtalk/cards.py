"""Cards in the stand-in DingTalk: the rules of creating, updating and pressing them.

https://open.dingtalk.com/document/development/create-and-deliver-cards
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.dingtalk.objects import Card, Json, Message, Refusal
from sandbox.dingtalk.state import State

KEY_BYTES, VALUE_BYTES = 100, 1024
# The buttons of our template.
SLOTS = ("b1", "b2", "b3", "b4")
SPACES = {"IM_ROBOT": "imRobot", "IM_GROUP": "imGroup"}


def create(state: State, asked: Json) -> Json:
    # POST /v1.0/card/instances/createAndDeliver. A known outTrackId keeps its card unchanged.
    if not asked.get("cardTemplateId"):
        raise Refusal("param.cardTemplateIdEmpty")
    track_id = asked.get("outTrackId")
    if not track_id:
        raise Refusal("param.outTrackIdEmpty")
    spaces = [_space(state, asked, space) for space in str(asked.get("openSpaceId") or "").split(";")]
    if track_id in state.cards:
        return _delivered(track_id, spaces)
    card = Card(
        track_id=track_id,
        template_id=asked["cardTemplateId"],
        data=variables(asked.get("cardData")),
        private=_private(asked.get("privateData")),
        callback_type=asked.get("callbackType") or "",
    )
    state.cards[track_id] = card
    for kind, place, error in spaces:
        if not error:
            _deliver(state, asked, card, kind, place)
    state.show(card)
    return _delivered(track_id, spaces)


def update(state: State, asked: Json) -> Json:
    # PUT /v1.0/card/instances: by key where the options say so, else everything is replaced.
    card = state.cards.get(asked.get("outTrackId") or "")
    if card is None:
        raise Refusal("param.outTrackIdNotExist")
    data, private = variables(asked.get("cardData")), _private(asked.get("privateData"))
    options = asked.get("cardUpdateOptions") or {}
    if asked.get("cardData"):
        card.data = (card.data if options.get("updateCardDataByKey") else {}) | data
    for user, seen in private.items():
        before = card.private.get(user, {}) if options.get("updatePrivateDataByKey") else {}
        card.private[user] = before | seen
    state.show(card)
    return {"success": True, "result": True}


def clicked(state: State, card: Card, user: str, action: str, params: Json) -> Json:
    """The data of a card callback. A button of docs/dingtalk-card.json carries its own action and value."""
    button, carried = _button(card.seen_by(user), action)
    content = {"cardPrivateData": {"actionIds": [button], "params": carried | params}}
    group = bool(card.places and card.places[0] in state.groups)
    return {
        "type": "actionCallback",
        "outTrackId": card.track_id,
        "corpId": state.corp_id,
        "userId": user,
        "userIdType": 1,
        "spaceType": "IM_GROUP" if group else "IM_ROBOT",
        "spaceId": card.places[0] if card.places else "",
        "extension": "{}",
        "content": json.dumps(content, ensure_ascii=False),
    }


def settle(state: State, card: Card, user: str, response: Any) -> None:
    """Apply the app's answer to a click; `userPrivateData` is for the clicker."""
    if not isinstance(response, dict):
        return
    asked: Json = {"outTrackId": card.track_id, "cardUpdateOptions": response.get("cardUpdateOptions")}
    if response.get("cardData"):
        asked["cardData"] = response["cardData"]
    if response.get("userPrivateData"):
        asked["privateData"] = {user: response["userPrivateData"]}
    try:
        update(state, asked)
    except Refusal as refusal:
        state.violation(f"{card.track_id}: the answer to a click was refused: {refusal}")


def variables(given: Any) -> dict[str, str]:
    """A cardParamMap within the limits; the refusal names the key."""
    values = (given or {}).get("cardParamMap") or {}
    for key, value in values.items():
        if len(key.encode()) > KEY_BYTES:
            raise Refusal("param.cardDataKeyTooLong", key)
        if not isinstance(value, str):
            raise Refusal("param.cardDataValueNotString", f"{key}: {value!r}")
        if len(value.encode()) > VALUE_BYTES:
            raise Refusal("param.cardDataValueTooLong", key)
    return dict(values)


def _button(seen: dict[str, str], action: str) -> tuple[str, dict[str, str]]:
    # Without such a button, the click is stale or forged.
    for slot in SLOTS:
        if seen.get(f"{slot}_shown") == "true" and seen.get(f"{slot}_action") == action:
            return slot, {"action": action, "value": seen.get(f"{slot}_value", "")}
    return action, {"action": action}


def _private(given: Any) -> dict[str, dict[str, str]]:
    return {user: variables(seen) for user, seen in (given or {}).items()}


def _space(state: State, asked: Json, space: str) -> tuple[str, str, str]:
    """Kind and owner of a space, and why nothing can be delivered there."""
    kind, _, place = space.removeprefix("dtv1.card//").partition(".")
    if not space.startswith("dtv1.card//") or kind not in SPACES or not place:
        raise Refusal("param.openSpaceIdInvalid", space)
    deliver = asked.get(f"{SPACES[kind]}OpenDeliverModel") or {}
    if deliver.get("robotCode") != state.robot_code:
        return kind, place, "robotCode is wrong"
    known = state.people if kind == "IM_ROBOT" else state.groups
    return kind, place, "" if place in known else "spaceId does not exist"


def _deliver(state: State, asked: Json, card: Card, kind: str, place: str) -> None:
    model = asked.get(f"{SPACES[kind]}OpenSpaceModel") or {}
    card.places.append(place)
    card.recipients += (asked.get(f"{SPACES[kind]}OpenDeliverModel") or {}).get("recipients") or []
    card.forwardable = model.get("supportForward") is not False
    card.preview = model.get("lastMessageI18n") or {}
    text = card.preview.get("ZH_CN") or card.data.get("title") or ""
    state.post(
        Message(
            state.number("msg"),
            place,
            "",
            "card",
            text,
            way="card",
            card=card.track_id,
            query=_carrier(card.track_id, place),
        )
    )


def _carrier(track_id: str, place: str) -> str:
    return hashlib.sha256(f"{track_id} {place}".encode()).hexdigest()[:32]


def _delivered(track_id: str, spaces: list[tuple[str, str, str]]) -> Json:
    results = [
        {
            "spaceType": kind,
            "spaceId": place,
            "carrierId": "" if error else _carrier(track_id, place),
            "success": not error,
        }
        | {"errorMsg": error}
        for kind, place, error in spaces
    ]
    return {"success": True, "result": {"outTrackId": track_id, "deliverResults": results}}
