"""Secrets that people paste and libraries print: none is stored, shown or logged."""

from __future__ import annotations

import re

_WORD = r"(?:(?<![A-Za-z0-9])|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm))"
"""A word begins here, perhaps after the colour of a terminal."""
_REST = r"[A-Za-z0-9._~+/=-]"
SECRET = re.compile(
    rf"{_WORD}(?P<kind>xox[a-z](?:\.xox[a-z])?-|xapp-|xwfp-|(?i:bearer)\s+)(?={_REST}*\d|{_REST}{{8}}){_REST}{{3,}}"
    rf"|{_WORD}(?P<vendor>sk-|pk-|rk-|gh[opsru]_|github_pat_|glpat-|hf_|AKIA|ASIA|AIza|ya29\.|LTAI){_REST}{{8,}}"
    rf"|{_WORD}(?P<jwt>eyJ){_REST}{{4,}}\.{_REST}{{4,}}"
    r"|(?P<name>(?i:passw(?:or)?d|passphrase|pwd|api[-_ ]?key|secret[-_ ]?key|access[-_ ]?key|client[-_ ]?secret|密码|口令|密钥)"
    r"[\"']?\s*[=:：]\s*[\"']?)[^\s•…\"'*]{3,}"
    r"|(?P<query>[?&](?:access_token|token|key|sig|signature)=)[^\s&•…*]{6,}"
    r"|(?P<user>://[^\s:/@]*:)[^\s/@]+(?=@)"
)
"""Slack's tokens and bearer headers; keys of model vendors, GitHub, GitLab, Hugging Face, AWS, Google, Alibaba; JSON
web tokens; named passwords; session keys in addresses, and passwords in them."""


def masked(text: str, dots: str = "***") -> str:
    """`text` without the secrets in it; what kind they were stays: `xoxb-***`."""
    return SECRET.sub(lambda found: f"{found[found.lastgroup or 0]}{dots}", text)
