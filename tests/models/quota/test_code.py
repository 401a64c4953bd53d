"""CODEs are easy to type, are no amounts, and are never used twice."""

from __future__ import annotations

import re

from sqlmodel import Session

from models.quota.code import new_code


def test_a_code_has_four_signs_that_are_hard_to_confuse(session: Session) -> None:
    codes = {new_code(session) for _ in range(300)}
    assert len(codes) > 290
    assert all(re.fullmatch(r"[2-9A-HJKMNP-Z]{4}", code) for code in codes)


def test_a_code_is_never_an_amount(session: Session) -> None:
    assert not [code for code in (new_code(session) for _ in range(300)) if code[:-1].isdigit()]
