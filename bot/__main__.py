"""`quotabot`, and `python -m bot`."""

import gc


def main() -> None:
    """The console script. What is loaded stays, so the garbage collector need not look through it: a tenth of a start."""
    gc.disable()
    from bot.cli import app  # noqa: PLC0415

    gc.enable()
    gc.freeze()
    app.main()


if __name__ == "__main__":
    main()
