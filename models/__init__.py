"""What is true and allowed: rows, rules, refusals. Knows the database; never the network, the clock, or words."""
