"""MkDocs hooks: the READMEs become pages, and files outside `docs/` that a page links to stand in the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
READMES = {"README.md": "readme.md", "README.zh.md": "readme.zh.md"}
OUTSIDE = re.compile(r"\]\((?:\.\./)+(?!decisions)([\w./-]+)(#[\w-]+)?\)")
OF_README = re.compile(r"\]\(([\w./-]+)(#[\w-]+)?\)")


def on_files(files: Files, config: Any) -> Files:
    texts = {name: (ROOT / name).read_text("utf-8") for name in READMES}
    for name, page in READMES.items():
        files.append(File.generated(config, page, content=_readme(texts[name])))
    linked = {
        found[1] for one in files.documentation_pages() for found in OUTSIDE.finditer(one.content_string)
    }
    linked |= {found[1] for text in texts.values() for found in OF_README.finditer(text)}
    for name in sorted(linked - READMES.keys()):
        if not name.startswith("docs/") and (ROOT / name).is_file():
            files.append(File.generated(config, _copy(name), content=(ROOT / name).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    up = "../" * page.file.src_uri.count("/")
    return OUTSIDE.sub(lambda found: f"]({up}{_target(found[1])}{found[2] or ''})", markdown)


def _readme(text: str) -> str:
    """A README's links start at the root: those to pages start at `docs/` here, others go to copies."""

    def link(found: re.Match[str]) -> str:
        inside = found[1].startswith("docs/")
        return f"]({found[1].removeprefix('docs/') if inside else _target(found[1])}{found[2] or ''})"

    return OF_README.sub(link, text)


def _target(name: str) -> str:
    if name in READMES:
        return READMES[name]
    # A folder has no page; the page on installing names its files.
    return _copy(name) if (ROOT / name).is_file() else "install.md"


def _copy(name: str) -> str:
    # As .txt a browser shows the file instead of downloading it.
    return f"files/{name}.txt"
