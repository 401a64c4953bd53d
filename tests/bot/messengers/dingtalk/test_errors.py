"""DingTalk's ways of saying no, told apart by what may be done next."""

from __future__ import annotations

import pytest

from bot.messengers.dingtalk.errors import (
    DingTalkError,
    OutcomeUnknown,
    Throttled,
    TokenRefused,
    failure,
    parsed,
)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, b"{}", None, ""),
        (200, b'{"errcode":0}', None, ""),
        (200, b'{"success":false,"code":"x"}', DingTalkError, "x"),
        (200, b'{"errcode":90018}', Throttled, "90018"),
        (200, b'{"errcode":"90002"}', Throttled, "90002"),
        (200, b'{"errcode":33}', TokenRefused, "33"),
        (200, b'{"errcode":88}', OutcomeUnknown, "88"),
        (200, b'{"errcode":88,"sub_code":"60020"}', DingTalkError, "60020"),
        (200, b'{"errcode":-1}', OutcomeUnknown, "-1"),
        (200, b"", OutcomeUnknown, "HTTP 200, not JSON"),
        (200, b"[1]", OutcomeUnknown, "HTTP 200, not JSON"),
        (200, b"[" * 100_000, OutcomeUnknown, "HTTP 200, not JSON"),
        (302, b"{}", OutcomeUnknown, "HTTP 302"),
        (401, b"{}", TokenRefused, "401"),
        (403, b"<html>", DingTalkError, "HTTP 403, not JSON"),
        (
            403,
            b'{"code":"Forbidden.AccessDenied.QpsLimitForApi"}',
            Throttled,
            "Forbidden.AccessDenied.QpsLimitForApi",
        ),
        (400, b'{"code":"param.contentUnsafe","accessdenieddetail":7}', DingTalkError, "param.contentUnsafe"),
        (429, b"{}", Throttled, "429"),
        (504, b'{"code":"ServiceTimeout"}', OutcomeUnknown, "ServiceTimeout"),
        (502, b"<html>", OutcomeUnknown, "HTTP 502, not JSON"),
    ],
)
def test_every_kind_of_no_is_told_apart(
    status: int, body: bytes, kind: type[DingTalkError] | None, code: str
) -> None:
    no = failure(status, parsed(body))
    assert type(no) is (kind or type(None))
    assert (no.code if no else "") == code
