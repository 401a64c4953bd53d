"""The gateway loop's requests: book a reading, list limits, tell members."""
