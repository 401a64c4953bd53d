"""The values of policy.yaml: what each kind accepts, and the sentence about what is needed instead."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from models.ledger.amount import Unit
from models.policy.document import parse
from models.policy.fields import Amount, Cell, Count, Email, Hours, Text, Wait, Weekday, is_email, said
from models.policy.yaml_tree import PolicyError
from tests.policies import complaint


def value(kind: Any, written: object, unit: Unit = Unit.USD) -> object:
    return TypeAdapter(kind).validate_python(written, context={"unit": unit})


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        (Amount, Decimal("1.5"), 1_500_000), (Count, Decimal(3), 3), (Wait, "3 d", timedelta(days=3)), (Weekday, "Sat", 5),
        (Hours, "20:00-24:00", (time(20), time(0))), (Hours, None, None), (Cell, 42, "42"), (Cell, " x ", "x"), (Cell, "", ""),
        (Text, " on call ", "on call"), (Email, " Ops@Corp.Example ", "ops@corp.example"),
    ],
)  # fmt: skip
def test_a_value_is_kept_as_it_is_meant(kind: object, written: object, read: object) -> None:
    assert value(kind, written) == read


@pytest.mark.parametrize(
    ("kind", "written"),
    [(Amount, -1), (Amount, True), (Count, -1), (Wait, "0h"), (Wait, "100000m"), (Text, "  "), (Cell, True), (Weekday, "saturn")],
)  # fmt: skip
def test_anything_else_is_refused(kind: object, written: object) -> None:
    with pytest.raises(ValidationError):
        value(kind, written)


def test_an_amount_is_whole_where_its_unit_has_no_parts() -> None:
    assert value(Amount, Decimal(7), Unit.TOKENS) == 7
    with pytest.raises(ValidationError, match="no parts of tokens"):
        value(Amount, Decimal("1.5"), Unit.TOKENS)


@pytest.mark.parametrize(
    ("text", "may_be"),
    [("a@b", True), ("o'neil@corp.example", True), ("a b@corp", False), ("a@b@c", False), ("@corp", False), ("a" * 254 + "@b", False)],
)  # fmt: skip
def test_an_address_is_told_from_a_name(text: str, may_be: bool) -> None:
    assert is_email(text) is may_be


def test_a_refused_value_is_quoted_as_written_and_cut() -> None:
    shown = [said(one) for one in (None, {}, [], True, 7, "x", "y" * 41)]
    assert shown == ["nothing", "a section with keys", "a list", "true", "7", '"x"', f'"{"y" * 39}…"']


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ("carry_over: {cap: '500'}", "carry_over.cap", 'a number is needed, such as 100, not "500"'),
        ("carry_over: {cap: true}", "carry_over.cap", "a number is needed, such as 100, not true"),
        ("carry_over: {cap: 0.0000001}", "carry_over.cap", "more than six digits after the point"),
        ("carry_over: {cap: 99999999999999}", "carry_over.cap", "more than can be counted in USD"),
        ("carry_over: {share: 20}", "carry_over.share", "from 0 to 1; 20 % is 0.2"),
        ("carry_over: {share: -0.1}", "carry_over.share", "from 0 to 1"),
        ("lending: {max_open_as_borrower: 1.5}", "lending.max_open_as_borrower", "a whole number"),
        ("lending:", "lending", "leave the whole line out for the default"),
        ("lending: {enabled: 1}", "lending.enabled", "must be true or false, not 1"),
        ("admins: ops@corp.example", "admins", "a list is needed"),
        ("admins: [ops]", "admins[0]", 'an e-mail address is needed, not "ops"'),
        ("admins:\n- ops@corp.example\n- 7", "admins[1]", "an e-mail address is needed, not 7"),
        ("period: daily", "period", "must be monthly, {monthly: 15}, weekly or quarterly"),
        ("period: {monthly: 32}", "period", "a day from 1 to 31"),
        ("requests: {channel: fax}", "requests.channel", 'must be card or oa, not "fax"'),
        ("requests: {remind_after: 4}", "requests.remind_after", "such as 30m, 4h or 3d, not 4"),
        ("requests: {remind_after: 0h}", "requests.remind_after", "such as 30m"),
        (
            "requests: {approve_up_to: {manger: 5}}",
            "requests.approve_up_to.manger",
            'Did you mean "manager"?',
        ),
        ("quiet: {hours: '25:00-08:00'}", "quiet.hours", "two times of the day"),
        ("quiet: {hours: '08:00-08:00'}", "quiet.hours", "begins when it ends"),
        ("quiet: {hours: '00:30-00:00'}", "quiet.hours", "less than an hour of the day"),
        ("quiet: {days: [caturday]}", "quiet.days[0]", "must be mon, tue"),
        ("quiet: {days: [mon, tue, wed, thu, fri, sat, sun]}", "quiet.days", "every day is quiet"),
        ("alerts: {surge: {within: soon}}", "alerts.surge.within", "such as 30m"),
        ("gateway: {per_usd: 7}", "gateway.per_usd", "a USD is one USD"),
        ("gateway: {per_usd: 0}", "gateway.per_usd", "more than zero"),
        ("unit: CNY", "unit", "written twice; the first one is on line 1"),
        ("free_models: [[a]]", "free_models[0]", "text is needed"),
        ("fallback: {models: [], amount: 20}", "fallback.models", "name at least one model"),
        ("fallback: {models: [a], amount: 0}", "fallback.amount", "more than zero"),
        ("? [a]\n: b", "", "a key must be a word"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(line: str, key: str, why: str) -> None:
    said = complaint(line)
    number = 5 if line.startswith("admins:\n") else 3
    assert said.startswith(f"policy.yaml:{number}: {key}: " if key else f"policy.yaml:{number}: ")
    assert why in said


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("unit: RMB", 'Did you mean "CNY"?'), ("unit: usd", 'Did you mean "USD"?'), ("unit: Tokens", 'Did you mean "tokens"?'),
        ("timezone: Asia/Beijing", 'Did you mean "Asia/Shanghai"?'), ("timezone: UTC+8", 'Did you mean "Asia/Shanghai"?'),
    ],
)  # fmt: skip
def test_what_people_also_call_a_unit_or_a_zone_gets_a_hint(line: str, hint: str) -> None:
    text = f"{line}\nallocations: []" if line.startswith("unit") else f"unit: USD\n{line}\nallocations: []"
    with pytest.raises(PolicyError) as refused:
        parse(text)
    assert hint in str(refused.value)
