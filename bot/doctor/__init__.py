"""What can be checked from here, and how to mend what is wrong: `quotabot doctor`."""
