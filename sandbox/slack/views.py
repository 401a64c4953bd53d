"""views.* and the answers to a submitted modal."""

from __future__ import annotations

from sandbox.slack.arguments import Arguments, Method
from sandbox.slack.block_kit.checks import check_view
from sandbox.slack.forms import input_values
from sandbox.slack.objects import Json, SlackError, View
from sandbox.slack.state import State

STACK = 3
TROUBLE = "We had some trouble connecting. Try again?"


def open_view(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/views.open
    given = _new_modal(state, args)
    trigger = state.exchange(args.required("trigger_id"))
    view = state.new_view(trigger.user, given)
    state.modals[view.user] = [view]
    return _shown(state, view)


def push_view(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/views.push, from inside a modal
    given = _new_modal(state, args)
    trigger = state.exchange(args.required("trigger_id"))
    if trigger.view is None or trigger.view not in state.modals.get(trigger.user, []):
        raise SlackError("not_found")
    return _shown(state, _push(state, trigger.view, given))


def update_view(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/views.update, by view_id or external_id
    given = _checked(args.view())
    view = _find(state, args.text("view_id"), args.text("external_id"))
    if args.text("hash", view.hash) != view.hash:
        raise SlackError("hash_conflict")
    return _shown(state, _replace(state, view, given))


def publish_view(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/views.publish
    user = state.person(args.required("user_id")).id
    given = _checked(args.view(), "home")
    old = state.homes.get(user)
    if old and args.text("hash", old.hash) != old.hash:
        raise SlackError("hash_conflict")
    view = _replace(state, old, given) if old else state.new_view(user, given)
    state.homes[user] = view
    return _shown(state, view)


VIEWS: dict[str, Method] = {
    "views.open": open_view,
    "views.publish": publish_view,
    "views.push": push_view,
    "views.update": update_view,
}


def settle(state: State, view: View, payload: Json) -> None:
    # Slack shows its own error to the person when the answer is invalid.
    view.errors = {}
    try:
        _settle(state, view, payload)
    except SlackError as error:
        fail(state, view, "; ".join((error.code, *error.messages)))
    state.show_view(view)


def fail(state: State, view: View, why: str) -> None:
    state.violation("view_submission", why)
    state.notice(view.user, "", TROUBLE)


def close(state: State, view: View) -> None:
    # The view below is on top again.
    stack = state.modals.get(view.user, [])
    state.modals[view.user] = [each for each in stack if each is not view]
    state.show_view(view)


def _settle(state: State, view: View, payload: Json) -> None:
    match payload.get("response_action"):
        case None if not payload:
            close(state, view)
        case "clear":
            state.modals[view.user] = []
        case "errors":
            view.errors = _errors(view, payload.get("errors"))
        case "update":
            _replace(state, view, _checked(payload.get("view")))
        case "push":
            _push(state, view, _checked(payload.get("view")))
        case other:
            raise SlackError("invalid_arguments", f"unknown response_action: {other}")


def _errors(view: View, errors: object) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block.get("type") == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise SlackError("invalid_arguments", f"`errors` must name input blocks, of {sorted(inputs)}")
    return errors


def _checked(given: object, kind: str = "") -> Json:
    if not isinstance(given, dict):
        raise SlackError("invalid_arguments", "missing required field: view")
    check_view(given)
    if kind and given["type"] != kind:
        raise SlackError("invalid_arguments", f"must be {kind} [json-pointer:/view/type]")
    return given


def _new_modal(state: State, args: Arguments) -> Json:
    given = _checked(args.view(), "modal")
    external_id = given.get("external_id")
    if external_id and any(view.given.get("external_id") == external_id for view in _all(state)):
        raise SlackError("duplicate_external_id")
    return given


def _find(state: State, view_id: str, external_id: str) -> View:
    for view in _all(state):
        if view.id == view_id or (external_id and view.given.get("external_id") == external_id):
            return view
    raise SlackError("not_found")


def _all(state: State) -> list[View]:
    return [view for stack in state.modals.values() for view in stack] + list(state.homes.values())


def _push(state: State, under: View, given: Json) -> View:
    stack = state.modals[under.user]
    if len(stack) >= STACK:
        raise SlackError("push_limit_reached")
    view = state.new_view(under.user, given, over=under)
    stack.append(view)
    return view


def _replace(state: State, view: View, given: Json) -> View:
    fresh = state.new_view(view.user, given)
    view.given, view.hash, view.errors = fresh.given, fresh.hash, {}
    view.values = input_values(view, {})
    return view


def _shown(state: State, view: View) -> Json:
    state.show_view(view)
    return {"view": state.wire(view)}
