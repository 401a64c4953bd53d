"""What can be asked: one function a request. No vendor, no commit, no clock."""
