"""What the gateway loop asks: book a reading, name the limits, tell people."""
