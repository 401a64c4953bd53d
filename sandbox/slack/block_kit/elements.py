"""Checks of interactive elements: https://docs.slack.dev/reference/block-kit/block-elements"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.slack.block_kit.place import Place


def check_element(element: Place) -> None:
    kind = element["type"].value
    element["action_id"].string(255)
    if element["confirm"]:
        _confirm(element["confirm"])
    if kind in _ELEMENTS:
        _ELEMENTS[kind](element)
    elif kind not in _PLAIN_ELEMENTS:
        element["type"].fault(f"unsupported type: {kind}")
    element["placeholder"].text(150, required=False)


_PLAIN_ELEMENTS = {
    "channels_select", "conversations_select", "datepicker", "datetimepicker", "email_text_input", "external_select",
    "feedback_buttons", "file_input", "icon_button", "image", "multi_channels_select", "multi_conversations_select",
    "multi_external_select", "multi_users_select", "number_input", "rich_text_input", "timepicker", "url_text_input",
    "users_select", "workflow_button",
}  # fmt: skip


def _button(element: Place) -> None:
    element["text"].text(75)
    element["value"].string(2000)
    element["url"].string(3000)
    if element["style"] and element["style"].value not in {"primary", "danger"}:
        element["style"].fault("must be primary or danger")


def _confirm(confirm: Place) -> None:
    confirm["title"].text(100)
    confirm["text"].text(300, "plain_text", "mrkdwn")
    confirm["confirm"].text(30)
    confirm["deny"].text(30)


def _options(most: int) -> Callable[[Place], None]:
    def check(element: Place) -> None:
        groups = [group["options"] for group in element["option_groups"]] or [element["options"]]
        for options in groups:
            options.items(most)
            for option in options:
                option["text"].text(75, "plain_text", "mrkdwn")
                option["value"].string(150, 1, required=True)

    return check


def _plain_text_input(element: Place) -> None:
    element["initial_value"].string(3000)
    longest = element["max_length"].value
    if longest is not None and not 1 <= int(longest) <= 3000:
        element["max_length"].fault("must be between 1 and 3000")


_ELEMENTS: dict[str, Callable[[Place], None]] = {
    "button": _button,
    "checkboxes": _options(10),
    "multi_static_select": _options(100),
    "overflow": _options(5),
    "plain_text_input": _plain_text_input,
    "radio_buttons": _options(10),
    "static_select": _options(100),
}
