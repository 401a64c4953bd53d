"""What the gateways report, and what ought to stand there."""
