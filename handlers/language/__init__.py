"""From a sentence to what was asked."""
