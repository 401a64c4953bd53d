"""DingTalk as a messenger: the Stream connection, the API, the directory, its own approval, and how words look and read there."""
