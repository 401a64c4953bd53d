"""Jobs of the clock: closing, reminders, warnings, tidying."""
