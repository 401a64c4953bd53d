"""The operator's questions to the gateway on the command line, one file a question."""
