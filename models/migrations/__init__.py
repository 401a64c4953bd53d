"""The schema's history, inside the wheel."""
