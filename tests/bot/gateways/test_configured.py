"""GATEWAYS_FILE: what is in it, and how each mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.gateways.configured import configured_gateways, enforced
from bot.gateways.port import GatewayRefused
from bot.settings import Settings

SEATS = "{name: seats, kind: claude-enterprise, key: 'env:SEATS_KEY', mode: enforce}"


def read(folder: Path, text: str) -> Settings:
    file = folder / "gateways.yaml"
    file.write_text(text, "utf-8")
    return Settings(_env_file=None, gateways_file=file, gateway_kind="litellm", gateway_url="http://unused")  # type: ignore[call-arg]


def test_the_file_comes_before_the_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATS_KEY", "sk-ant-admin")
    monkeypatch.setenv("API_KEY", "sk-1")
    rows = f"- {SEATS}\n- {{name: api, kind: litellm, url: 'http://gw.example', key: 'env:API_KEY'}}\n"
    settings = read(tmp_path, rows)
    seats, api = configured_gateways(settings)
    assert (seats.key, seats.enforced, api.enforced, api.sync_seconds) == ("sk-ant-admin", True, False, 30)
    assert "sk-ant" not in repr(seats)
    assert enforced(settings)


def test_without_a_file_the_variables_are_the_one_gateway() -> None:
    settings = Settings(_env_file=None, gateway_kind="litellm", gateway_url="http://gw", gateway_key="sk")  # type: ignore[call-arg]
    (only,) = configured_gateways(settings)
    assert (only.name, only.kind, only.key, only.enforced) == ("", "litellm", "sk", False)
    assert configured_gateways(Settings(_env_file=None)) == []  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is a list of gateways"),
        ("- seats", "gateway 1: it is a mapping"),
        ("- {name: seats, kind: litellm, key: sk-1}", "write env:NAME"),
        ("- {name: seats, kind: litellm, key: 'env:NOBODY_SET_IT'}", "the variable NOBODY_SET_IT is not set"),
        ("- {name: Seats!, kind: litellm, key: 'env:SEATS_KEY'}", "name: string should match"),
        ("- {name: seats, kind: portkey, key: 'env:SEATS_KEY'}", "kind portkey: not yet; there are"),
        ("- {name: seats, kind: litellm, key: 'env:SEATS_KEY', modus: x}", "modus: extra inputs"),
        (f"- {SEATS}\n- {SEATS}", "two gateways are called seats"),
        ("- [", "while parsing"),
    ],
)
def test_a_mistake_in_the_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    monkeypatch.setenv("SEATS_KEY", "sk-ant-admin")
    with pytest.raises(GatewayRefused, match=why):
        configured_gateways(read(tmp_path, text))
