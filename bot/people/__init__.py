"""People from files and directories."""
