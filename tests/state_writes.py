"""What a module does to rows itself, as its source shows: this is what only `models` may do."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator

from sqlmodel import SQLModel

import models

ON_A_SESSION = {"add", "add_all", "delete", "merge"}
STATEMENTS = {"insert", "update", "delete"}
PROMISED = {"Effect"}
"""Rows that anybody may make: `promise` writes them down."""
NOT_ROWS = {"self", "ctx", "ack", "found", "links", "message", "self.dispatcher"}
"""Things that have a field of the name of some column."""

for _found in pkgutil.walk_packages(models.__path__, "models."):
    if ".migrations" not in _found.name:
        importlib.import_module(_found.name)
TABLES = {one.__name__ for one in SQLModel.__subclasses__() if hasattr(one, "__table__")}
COLUMNS = {column.name for table in SQLModel.metadata.tables.values() for column in table.columns}


def state_writes(source: str) -> list[str]:
    """Rows added, removed or made, UPDATE and the like, and columns assigned: `12: session.add`."""
    tree = ast.parse(source)
    rows = _tables_imported(tree) - PROMISED
    return [f"{line}: {what}" for node in ast.walk(tree) for line, what in _writes(node, rows)]


def _tables_imported(tree: ast.AST) -> set[str]:
    return {
        one.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("models.")
        for one in node.names
        if one.name in TABLES and not one.asname
    }


def _writes(node: ast.AST, rows: set[str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        on, _, verb = called.rpartition(".")
        if called in STATEMENTS | rows or (on.endswith("session") and verb in ON_A_SESSION):
            yield node.lineno, called
    for target in _targets(node):
        if (
            isinstance(target, ast.Attribute)
            and target.attr in COLUMNS
            and ast.unparse(target.value) not in NOT_ROWS
        ):
            yield target.lineno, f"{ast.unparse(target)} ="


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return [
            one
            for target in node.targets
            for one in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else []
