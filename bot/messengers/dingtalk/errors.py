"""DingTalk's errors, sorted by what may be done next."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

_THROTTLED = {
    "429",
    "130101",
    "302033",
    "90018",
    "90002",
    "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
    "Forbidden.AccessDenied.QpsLimitForApi",
}
_QUOTA = {"90020", "Forbidden.AccessDenied.ApiCountLimitForOrg"}
_TOKEN = {"401", "40014", "42001", "33", "InvalidAuthentication"}
# Codes of the classic API: its own time limit passed, or it was busy.
_NO_ANSWER = {"15", "88", "-1"}


class DingTalkError(Exception):
    """DingTalk refused. `temporary`: nothing happened, and a repetition may help, after `retry_after` seconds if given.

    `code` and `request_id` are for the log; `missing_scopes` are the permissions that the administrator has
    to tick.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        request_id: str = "",
        *,
        temporary: bool = False,
        missing_scopes: tuple[str, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code, self.message, self.request_id = code, message, request_id
        self.temporary, self.missing_scopes, self.retry_after = temporary, missing_scopes, retry_after

    @property
    def quota_used_up(self) -> bool:
        """The organisation has no calls left this month."""
        return self.code in _QUOTA


class OutcomeUnknown(DingTalkError):  # noqa: N818 - what is known, not what went wrong
    """The call went out and its effect is unknown. Not `temporary`: a repetition may send a message twice."""


class Throttled(DingTalkError):  # noqa: N818
    """Too many calls this second; nothing happened."""


class TokenRefused(DingTalkError):  # noqa: N818
    """The access token has expired or was revoked; nothing happened."""


def parsed(body: bytes) -> Json | None:
    """The JSON object of an answer; None for HTML, an empty body or another type."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def failure(status: int, answer: Json | None) -> DingTalkError | None:
    """The error of an answer, or None. Both API families and the gate in front of them report errors differently."""
    if answer is None:
        return _no_json(status)
    if "punish" in answer:
        return _punished(answer)
    if "errcode" in answer:
        return _classic(answer)
    if status >= 400 or answer.get("success") is False:
        return _modern(status, answer)
    return None if status < 300 else OutcomeUnknown(f"HTTP {status}")


def _no_json(status: int) -> DingTalkError:
    code = f"HTTP {status}, not JSON"
    if 400 <= status < 500:
        # A ban of our address may also come as an HTML page; it lasts five minutes.
        return DingTalkError(code, temporary=True, retry_after=300)
    return OutcomeUnknown(code)


def _punished(answer: Json) -> DingTalkError:
    # The gate bans our IP address for `wait` minutes: {"status":1111,"wait":5,"punish":"deny"}.
    wait = answer.get("wait")
    minutes = wait if isinstance(wait, int) else 5
    return DingTalkError("punished", str(answer.get("status")), temporary=True, retry_after=60 * minutes)


def _classic(answer: Json) -> DingTalkError | None:
    code, message = str(answer["errcode"]), str(answer.get("errmsg") or "")
    if code == "0":
        return None
    if code == "88" and answer.get("sub_code"):
        # 88 alone is a timeout; with a sub_code it is a missing permission or an address that is not allowed.
        code, message = str(answer["sub_code"]), str(answer.get("sub_msg") or message)
    return _sorted(code, message, str(answer.get("request_id") or ""), unknown=code in _NO_ANSWER)


def _modern(status: int, answer: Json) -> DingTalkError:
    code = str(status) if status in {401, 429} else str(answer.get("code") or f"HTTP {status}")
    denied = answer.get("accessdenieddetail")
    scopes = denied.get("requiredScopes") if isinstance(denied, dict) else None
    return _sorted(
        code,
        str(answer.get("message") or ""),
        str(answer.get("requestid") or ""),
        scopes=tuple(map(str, scopes)) if isinstance(scopes, list) else (),
        unknown=status >= 500,
    )


def _sorted(
    code: str, message: str, request_id: str, *, scopes: tuple[str, ...] = (), unknown: bool
) -> DingTalkError:
    if code in _THROTTLED:
        return Throttled(code, message, request_id, temporary=True)
    if code in _TOKEN:
        return TokenRefused(code, message, request_id, temporary=True)
    if unknown:
        return OutcomeUnknown(code, message, request_id)
    return DingTalkError(code, message, request_id, missing_scopes=scopes)
