"""Entered values: the action of one element, and the state of every input of a view."""

from __future__ import annotations

from typing import Any

from sandbox.slack.objects import Json, View

# Where each element keeps what was chosen; the rest keeps a `value`.
_CHOSEN = {
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "datepicker": "selected_date",
    "datetimepicker": "selected_date_time",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "multi_users_select": "selected_users",
    "timepicker": "selected_time",
    "users_select": "selected_user",
}
_ONE_OPTION = {"static_select", "radio_buttons", "overflow", "external_select"}
_MANY_OPTIONS = {"multi_static_select", "checkboxes", "multi_external_select"}
REQUIRED = "Please complete this required field."


def entered(element: Json, value: Any) -> Json:
    kind = str(element["type"])
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": _option(element, value) if value is not None else None}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": [_option(element, one) for one in value or []]}
    return {"type": kind, _CHOSEN.get(kind, "value"): value}


def untouched(element: Json) -> Json:
    kind = str(element["type"])
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _MANY_OPTIONS:
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    key = _CHOSEN.get(kind, "value")
    return {
        "type": kind,
        key: element.get(key.replace("selected", "initial") if key != "value" else "initial_value"),
    }


def input_values(view: View, typed: dict[str, Any]) -> Json:
    """`view.state.values` after these inputs, named by block_id or action_id. Raises KeyError for an unknown name."""
    values: Json = {}
    left = dict(typed)
    for block in view.blocks:
        element = block.get("element")
        if block.get("type") != "input" or not element:
            continue
        name = block["block_id"] if block["block_id"] in left else element["action_id"]
        report = entered(element, left.pop(name)) if name in left else untouched(element)
        values[block["block_id"]] = {element["action_id"]: report}
    if left:
        raise KeyError(f"no such input in {view.callback_id!r}: {sorted(left)}; there are {sorted(values)}")
    return values


def missing(view: View, values: Json) -> dict[str, str]:
    # Slack itself rejects empty required inputs; the app never gets them.
    empty: dict[str, str] = {}
    for block in view.blocks:
        if block.get("type") == "input" and not block.get("optional"):
            (report,) = values[block["block_id"]].values()
            if not any(value for key, value in report.items() if key != "type"):
                empty[block["block_id"]] = REQUIRED
    return empty


def _option(element: Json, value: Any) -> Json:
    groups = [group["options"] for group in element.get("option_groups", [])] or [element.get("options", [])]
    options = [option for group in groups for option in group]
    chosen: Json = next(
        (option for option in options if option["value"] == value),
        {"text": {"type": "plain_text", "text": str(value)}, "value": value},
    )
    return chosen
