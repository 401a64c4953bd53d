"""The record of backups."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, select

from models.quota.chain import head, seal_next
from models.reports.backup import Backup, last_backup, record_backup
from tests.company import NOW


def test_the_last_one_is_the_latest_by_its_time(session: Session) -> None:
    assert last_backup(session) is None
    for hours in (0, 2, 1):
        record_backup(session, NOW + timedelta(hours=hours), "admin:root")
    assert last_backup(session) == NOW + timedelta(hours=2)


def test_it_names_the_end_of_the_chain_where_there_is_one(session: Session) -> None:
    record_backup(session, NOW, "admin:root")
    while seal_next(session, NOW):
        pass
    record_backup(session, NOW + timedelta(hours=1), "admin:root")
    sealed = head(session)
    assert sealed is not None
    assert [one.hash for one in session.exec(select(Backup).order_by(Backup.at)).all()] == ["", sealed.hash]
