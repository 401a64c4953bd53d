"""views.* and what a submitted modal is answered: everything the app puts on a person's screen."""

from __future__ import annotations

from sandbox.slack.args import Args, Method
from sandbox.slack.board import Board
from sandbox.slack.forms import state
from sandbox.slack.limits import check_view
from sandbox.slack.objects import Json, SlackError, View

STACK = 3
TROUBLE = "We had some trouble connecting. Try again?"


def open_view(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.open"""
    given = _new_modal(board, args)
    trigger = board.exchange(args.required("trigger_id"))
    view = board.new_view(trigger.user, given)
    board.modals[view.user] = [view]
    return _shown(board, view)


def push_view(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.push, from inside a modal"""
    given = _new_modal(board, args)
    trigger = board.exchange(args.required("trigger_id"))
    if trigger.view is None or trigger.view not in board.modals.get(trigger.user, []):
        raise SlackError("not_found")
    return _shown(board, _push(board, trigger.view, given))


def update_view(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.update, by view_id or external_id"""
    given = _checked(args.view())
    view = _find(board, args.text("view_id"), args.text("external_id"))
    if args.text("hash", view.hash) != view.hash:
        raise SlackError("hash_conflict")
    return _shown(board, _replace(board, view, given))


def publish_view(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.publish"""
    user = board.person(args.required("user_id")).id
    given = _checked(args.view(), "home")
    old = board.homes.get(user)
    if old and args.text("hash", old.hash) != old.hash:
        raise SlackError("hash_conflict")
    view = _replace(board, old, given) if old else board.new_view(user, given)
    board.homes[user] = view
    return _shown(board, view)


VIEWS: dict[str, Method] = {
    "views.open": open_view,
    "views.publish": publish_view,
    "views.push": push_view,
    "views.update": update_view,
}


def settle(board: Board, view: View, payload: Json) -> None:
    """Do what the acknowledgement of a submission says; an impossible one shows the person Slack's own words."""
    view.errors = {}
    try:
        _settle(board, view, payload)
    except SlackError as error:
        fail(board, view, "; ".join((error.code, *error.messages)))
    board.show_view(view)


def fail(board: Board, view: View, why: str) -> None:
    """The modal stays open with Slack's words of trouble."""
    board.violation("view_submission", why)
    board.notice(view.user, "", TROUBLE)


def close(board: Board, view: View) -> None:
    """Take one view off the screen; what lay beneath is seen again."""
    stack = board.modals.get(view.user, [])
    board.modals[view.user] = [each for each in stack if each is not view]
    board.show_view(view)


def _settle(board: Board, view: View, payload: Json) -> None:
    match payload.get("response_action"):
        case None if not payload:
            close(board, view)
        case "clear":
            board.modals[view.user] = []
        case "errors":
            view.errors = _errors(view, payload.get("errors"))
        case "update":
            _replace(board, view, _checked(payload.get("view")))
        case "push":
            _push(board, view, _checked(payload.get("view")))
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


def _new_modal(board: Board, args: Args) -> Json:
    given = _checked(args.view(), "modal")
    external_id = given.get("external_id")
    if external_id and any(view.given.get("external_id") == external_id for view in _all(board)):
        raise SlackError("duplicate_external_id")
    return given


def _find(board: Board, view_id: str, external_id: str) -> View:
    for view in _all(board):
        if view.id == view_id or (external_id and view.given.get("external_id") == external_id):
            return view
    raise SlackError("not_found")


def _all(board: Board) -> list[View]:
    return [view for stack in board.modals.values() for view in stack] + list(board.homes.values())


def _push(board: Board, under: View, given: Json) -> View:
    stack = board.modals[under.user]
    if len(stack) >= STACK:
        raise SlackError("push_limit_reached")
    view = board.new_view(under.user, given, over=under)
    stack.append(view)
    return view


def _replace(board: Board, view: View, given: Json) -> View:
    fresh = board.new_view(view.user, given)
    view.given, view.hash, view.errors = fresh.given, fresh.hash, {}
    view.values = state(view, {})
    return view


def _shown(board: Board, view: View) -> Json:
    board.show_view(view)
    return {"view": board.wire(view)}
