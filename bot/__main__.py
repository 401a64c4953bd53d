"""`python -m bot` is `quotabot`."""

from bot.cli import main

if __name__ == "__main__":
    main()
