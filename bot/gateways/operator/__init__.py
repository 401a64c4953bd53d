"""What an operator asks of the gateway on the command line, one file a question."""
