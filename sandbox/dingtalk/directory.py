"""The directory of the stand-in DingTalk, as topapi shows it. People from outside the organisation are not in it.

https://open.dingtalk.com/document/orgapp/query-user-details
"""

from __future__ import annotations

from sandbox.dingtalk.board import Board
from sandbox.dingtalk.objects import Json, Refusal

MOST_ROWS = 100


def user(board: Board, asked: Json) -> Json:
    """POST /topapi/v2/user/get."""
    return board.colleague(str(asked.get("userid") or "")).as_user(iter(board.departments.values()))


def users(board: Board, asked: Json) -> Json:
    """POST /topapi/v2/user/list: one department, page by page, without managers."""
    department, cursor, size = board.department(asked.get("dept_id")), asked.get("cursor"), asked.get("size")
    if not isinstance(cursor, int) or not isinstance(size, int) or not 1 <= size <= MOST_ROWS:
        raise Refusal("400002", "参数错误 cursor, size")
    rows = _members(board, department.id)
    page = {"list": rows[cursor : cursor + size], "has_more": len(rows) > cursor + size}
    return page | ({"next_cursor": cursor + size} if page["has_more"] else {})


def department(board: Board, asked: Json) -> Json:
    """POST /topapi/v2/department/get."""
    found = board.department(asked.get("dept_id"))
    return found.as_department(len(_members(board, found.id)))


def departments(board: Board, asked: Json) -> list[Json]:
    """POST /topapi/v2/department/listsub: one level."""
    parent = board.department(asked.get("dept_id", 1))
    return [one.as_row() for one in board.departments.values() if one.parent == parent.id]


def _members(board: Board, number: int) -> list[Json]:
    everybody = board.people.values()
    return [one.as_row() for one in everybody if number in one.departments and not one.corp_id]
