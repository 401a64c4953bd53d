"""`quotabot`, and `python -m bot`."""

from bot.loading import loading


def main() -> None:
    """The console script."""
    with loading():
        from bot.cli import app  # noqa: PLC0415
    app.main()


if __name__ == "__main__":
    main()
