"""Pages for people who pay: spend against budget, requests, the policy and the audit trail."""
