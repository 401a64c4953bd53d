"""What the clock asks: closing, reminders, warnings, tidying."""
