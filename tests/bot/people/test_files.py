"""people.csv as directories and spreadsheets write it: encodings, separators, headers and ids."""

from __future__ import annotations

import pytest

from bot.people.csv import PeopleError, read_people

NAMES = "王芳 张伟 李娜 刘洋 陈静 欧阳娜娜 赵敏 周杰 黄磊 林婷 何琪 郑爽 孙瑶 徐昊 马鑫"
KOREAN = "김민준 이서연 박지훈 최수빈 정예은 강도윤 조하은 윤시우"
JAPANESE = "佐藤 鈴木 高橋 田中 たなか タナカ"
TRADITIONAL = "陳大文 黃小明 張惠妹 劉德華 鄭秀文 謝霆鋒"


def file(names: str, header: str = "name,email") -> str:
    rows = (f"{name},p{number}@corp.example" for number, name in enumerate(names.split()))
    return "\n".join((header, *rows)) + "\n"


def refusal(data: bytes | str) -> str:
    with pytest.raises(PeopleError) as refused:
        read_people(data if isinstance(data, bytes) else data.encode())
    return str(refused.value)


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gbk", "gb18030"])
def test_a_chinese_file_is_read_in_its_encoding(encoding: str) -> None:
    assert [row.name for row in read_people(file(NAMES).encode(encoding))] == NAMES.split()


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        ("José André Zoë Müller Núñez", "cp1252"), ("José", "cp1252"), ("Łukasz Zażółć", "cp1250"), (TRADITIONAL, "big5"),
        ("陳大文", "big5"), (JAPANESE, "shift_jis"), (JAPANESE, "euc_jp"), (KOREAN, "euc_kr"), ("Иван Пётр Анна", "cp1251"),
        (JAPANESE, "iso2022_jp"), (NAMES, "utf-16-be"),
    ],
)  # fmt: skip
def test_a_file_in_another_encoding_is_refused_and_never_nonsense(names: str, encoding: str) -> None:
    assert "save the file as CSV UTF-8" in refusal(file(names).encode(encoding))


def test_a_character_that_was_lost_before_is_named() -> None:
    assert refusal("name,email\nJos\ufffd,jose@corp.example\n").startswith("line 2: holds a sign")


# Shape


@pytest.mark.parametrize(
    "text",
    [
        "name\temail\nAnn\tann@corp.example\n", "name;email\nAnn;ann@corp.example\n", "sep=;\nname;email\nAnn;ann@corp.example\n",
        "# people of the company\n#,\n\nname,email\nAnn,ann@corp.example\n", "Name;E-mail\nAnn;ann@corp.example\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_separators_and_comments_are_read(text: str, encoding: str) -> None:
    (ann,) = read_people(text.encode(encoding))
    assert (ann.name, ann.email, ann.extra) == ("Ann", "ann@corp.example", {})


def test_lines_are_counted_from_the_top_also_below_comments() -> None:
    assert refusal("# a\n# b\nemail\nann\n") == "line 4: ann is no e-mail address"


# Headers


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Manager email", "manager_email"), ("Manager's e-mail", "manager_email"), ("主管邮箱", "manager_email"), ("Team", "team"), ("First name", "name"),
        ("Full Name", "name"), ("Slack ID", "slack_id"), ("slack user id", "slack_id"), ("Time zone", "timezone"), ("Role (optional)", "role"),
    ],
)  # fmt: skip
def test_a_header_that_can_mean_only_one_column_is_that_column(header: str, column: str) -> None:
    value = {"manager_email": "lee@corp.example", "slack_id": "U02", "timezone": "Asia/Shanghai"}.get(
        column, "x"
    )
    (row,) = read_people(f"email,{header}\nann@corp.example,{value}\n".encode())
    assert row.says(column) == value
    assert row.extra == {}


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("email,manager_emial", 'Did you mean "manager_email"?'), ("email,manager", 'Did you mean "manager_email"?'), ("emial,name", 'Did you mean "email"?'),
        ("email,First name,Last name", 'Did you mean "name"?'), ("email,teams", 'Did you mean "team"?'), ("email,Department", 'Did you mean "team"?'),
        ("email,manager mail,supervisor email", "may both mean"), ("mail,e-mail", "may both mean"),
    ],
)  # fmt: skip
def test_a_header_that_nearly_is_one_of_ours_is_asked_back(header: str, why: str) -> None:
    assert why in refusal(f"{header}\n{','.join('x' for _ in header.split(','))}\n")


def test_columns_of_ones_own_stay_to_be_matched() -> None:
    text = (
        "email,team,department,manager,manager_email,cost center,gateway_id.eu\na@corp.example,x,y,Lee,,7,k\n"
    )
    (row,) = read_people(text.encode())
    assert row.extra == {"department": "y", "manager": "Lee", "cost center": "7", "gateway_id.eu": "k"}


# Ids


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("slack_id", "u02bob", "no id there, such as U02AB3CD4"), ("slack_id", "@bob", "no id there"), ("slack_id", "bob@corp.example", "no id there"),
        ("dingtalk_id", "1.23457E+16", "number that the spreadsheet has cut off"), ("gateway_id", "1E+16", "cut off"),
        ("dingtalk_id", '"=""0123"""', "is a formula"), ("dingtalk_id", "a b", "no id there"),
    ],
)  # fmt: skip
def test_an_id_that_a_spreadsheet_spoilt_is_refused(column: str, value: str, why: str) -> None:
    assert why in refusal(f"email,{column}\nann@corp.example,{value}\n")


def test_ids_as_the_messengers_give_them_are_read() -> None:
    (row,) = read_people(b"email,slack_id,dingtalk_id\nann@corp.example,W012A3CDE,01234567890123456\n")
    assert (row.says("slack_id"), row.says("dingtalk_id")) == ("W012A3CDE", "01234567890123456")
