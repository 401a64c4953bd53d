"""DingTalk as a messenger: the Stream connection, the API, the directory, and how words look and read there."""
