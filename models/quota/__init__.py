"""What members have, lend, ask for and are granted."""
