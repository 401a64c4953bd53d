"""What an operator types, by noun: each module is one group of commands."""
