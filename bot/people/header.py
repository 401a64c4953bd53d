"""The header of people.csv: our columns, also under the names that directories and people use."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from models.people.messenger import TRAITS
from models.people.roster import columns

# Similarity from which an unknown header counts as a misspelt column of ours.
ALIKE = 0.8
_OTHER_NAMES = {
    "name": "full_name fullname display_name employee_name first_name 姓名 名字",
    "email": "e_mail mail email_address e_mail_address work_email company_email corporate_email 邮箱 邮件 电子邮箱 电子邮件 工作邮箱 企业邮箱",
    "gateway_id": "gateway gateway_user gateway_user_id gateway_account 网关账号",
    "manager_email": "manager_mail manager_e_mail manager_email_address managers_email line_manager_email supervisor_email "
    "reports_to_email 主管邮箱 上级邮箱 经理邮箱 直属上级邮箱 直属主管邮箱",
    "team": "team_name 团队 小组",
    "role": "role_name 角色",
    "employment": "employment_type 用工类型",
    "locale": "language lang 语言",
    "timezone": "time_zone tz 时区",
}
# Names that may or may not mean a column of ours. Beside that column they stay extra columns.
_UNSURE = {
    "manager": "manager_email",
    "supervisor": "manager_email",
    "reports_to": "manager_email",
    "department": "team",
    "dept": "team",
}


def read_header(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """The column names (ours in lower case, others as written), and the faults."""
    ours = columns()
    names = [cell.lower() if cell.lower() in ours else cell for cell in cells]
    near = defaultdict[str, list[int]](list)
    for number, name in enumerate(names):
        meant = _meant(name)
        if name not in ours and meant and meant not in names and not _is_half_a_name(meant, cells):
            near[meant].append(number)
    problems: list[str] = []
    doubtful: set[str] = set()
    for meant, found in near.items():
        if len(found) == 1:
            names[found[0]] = meant
        else:
            doubtful.update(names[one] for one in found)
            several = " and ".join(f'"{names[one]}"' for one in found)
            problems.append(f'{several} may both mean "{meant}". Did you mean one of them? Name that one so')
    return names, [*problems, *_misspelt(names, doubtful)]


def _meant(name: str) -> str:
    """The column of ours that this header certainly means, or ""."""
    folded = _folded(name)
    others = {**_OTHER_NAMES, **{traits.id_column: _ids(traits.name) for traits in TRAITS.values()}}
    return next((ours for ours, known in others.items() if folded == ours or folded in known.split()), "")


def _ids(messenger: str) -> str:
    return (
        " ".join(f"{messenger}_{word}" for word in ("user_id", "userid", "member_id", "user"))
        + f" {messenger}id {messenger}"
    )


def _folded(name: str) -> str:
    """`Manager's e-mail (optional)` as `manager_e_mail`."""
    return re.sub(r"[\W_]+", "_", re.sub(r"\(.*?\)|（.*?）|['’]s\b", "", name.lower())).strip("_")


def _is_half_a_name(meant: str, cells: Sequence[str]) -> bool:
    return meant == "name" and any(_folded(cell) in ("last_name", "surname", "family_name") for cell in cells)


def _misspelt(names: Sequence[str], doubtful: set[str]) -> Iterator[str]:
    missing = [name for name in columns() if name not in names]
    for name in names:
        folded = _folded(name)
        if not name or name in columns() or name in doubtful or folded.startswith("gateway_id_"):
            continue
        if folded in ("first_name", "last_name") and "name" in missing:
            yield f'"{name}" is half a name. Did you mean "name"? Put the whole name into one column'
        elif _UNSURE.get(folded) in missing:
            yield f'the column "{name}" is not known. Did you mean "{_UNSURE[folded]}"? Rename it so, or to something else'
        elif close := get_close_matches(folded, missing, 1, ALIKE):
            yield f'the column "{name}" is not known. Did you mean "{close[0]}"? Rename it so, or to something else'
