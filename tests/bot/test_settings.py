"""Settings: from the environment, `.env` and secrets; listed whole in `.env.example`."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from bot import settings as module
from bot.app import open_app
from bot.env_example import example
from bot.settings import Settings
from tests.company import NOW

HERE = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "SECRETS", tmp_path / "secrets")
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_env_example_lists_every_setting_with_its_default_and_why() -> None:
    written = (HERE / ".env.example").read_text()
    assert written == example(), "run: python -m bot.env_example > .env.example"
    assert re.findall(r"(?m)^([A-Z_]+)=", written) == [name.upper() for name in Settings.model_fields]
    assert all(field.description for field in Settings.model_fields.values())


def test_env_example_read_as_env_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(example())
    assert Settings.load() == Settings.model_construct(
        **{k: f.default for k, f in Settings.model_fields.items()}
    )


def test_the_environment_wins_over_the_file_and_the_file_over_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "http_port").write_text("1")
    (secrets / "slack_bot_token").write_text("from-a-secret\n")
    (secrets / "slack_command").write_text("/secret")
    (tmp_path / ".env").write_text("HTTP_PORT=2\nSLACK_COMMAND=/file\n")
    monkeypatch.setenv("HTTP_PORT", "3")
    found = Settings.load()
    assert (found.http_port, found.slack_command) == (3, "/file")
    assert found.slack_bot_token is not None
    assert found.slack_bot_token.get_secret_value() == "from-a-secret"


def test_an_empty_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "")
    monkeypatch.setenv("HTTP_PORT", "")
    assert Settings.load().slack_bot_token is None
    assert Settings.load().http_port == 8080


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(Settings(slack_bot_token="hush", gateway_key="hush"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTP_PORT", "many"), ("GATEWAY_KIND", "abacus"), ("LOG_LEVEL", "loud"), ("GATEWAY_SYNC_SECONDS", "0")],
)
def test_what_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings.load()


@pytest.mark.parametrize(
    ("given", "level"),
    [({}, "info"), ({"slack_bot_token": "xoxb-1"}, "warning"), ({"slack_signing_secret": "s"}, "warning")],
)
async def test_a_messenger_that_is_half_set_up_is_off_with_a_warning(
    tmp_path: Path, given: dict[str, str], level: str
) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path / 'q.db'}", **given)
    with capture_logs() as logs:
        async with open_app(settings, lambda: NOW):
            pass
    said = [one["log_level"] for one in logs if one["event"].startswith("slack is off")]
    assert said == [level]
