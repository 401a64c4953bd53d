"""The directory of the stand-in DingTalk, as topapi shows it. People from outside the organisation are not in it.

https://open.dingtalk.com/document/orgapp/query-user-details
"""

from __future__ import annotations

from sandbox.dingtalk.objects import Json, Refusal
from sandbox.dingtalk.state import State

MOST_ROWS = 100


def user(state: State, asked: Json) -> Json:
    # POST /topapi/v2/user/get.
    return state.colleague(str(asked.get("userid") or "")).as_user(iter(state.departments.values()))


def users(state: State, asked: Json) -> Json:
    # POST /topapi/v2/user/list: one department, page by page, without managers.
    department, cursor, size = state.department(asked.get("dept_id")), asked.get("cursor"), asked.get("size")
    if not isinstance(cursor, int) or not isinstance(size, int) or not 1 <= size <= MOST_ROWS:
        raise Refusal("400002", "参数错误 cursor, size")
    rows = _members(state, department.id)
    page = {"list": rows[cursor : cursor + size], "has_more": len(rows) > cursor + size}
    return page | ({"next_cursor": cursor + size} if page["has_more"] else {})


def department(state: State, asked: Json) -> Json:
    # POST /topapi/v2/department/get.
    found = state.department(asked.get("dept_id"))
    return found.as_department(len(_members(state, found.id)))


def departments(state: State, asked: Json) -> list[Json]:
    # POST /topapi/v2/department/listsub: one level.
    parent = state.department(asked.get("dept_id", 1))
    return [one.as_row() for one in state.departments.values() if one.parent == parent.id]


def _members(state: State, number: int) -> list[Json]:
    everybody = state.people.values()
    return [one.as_row() for one in everybody if number in one.departments and not one.corp_id]
