"""From a sentence to a Command."""
