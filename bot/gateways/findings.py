"""Findings of a preflight in words for an operator, each with its fix."""

from __future__ import annotations

from bot.gateways.port import Finding

MOST_NAMED = 5

WORDS = {
    "window_set": (
        "{who}: the gateway still resets their spend at intervals of its own. Booked spend stays right, but after a reset "
        "more can be used until the limit is written again."
    ),
    "team_keys": "{who}: these keys belong to a team, and a user's limit does not count on them.",
    "personal_keys": "{who}: these keys belong to no team, so a team member's limit does not count on them.",
    "key_cap": "{who}: these keys have limits of their own. The lower limit wins, so a top-up may change nothing.",
    "key_windows": "{who}: these keys also have limits by the hour or day.",
    "key_without_owner": "{who}: these keys have no owner, so their spend belongs to nobody.",
    "own_keys": "{who}: these users may create keys of their own. A new key has no limit until the next round reads it; what is "
    "spent until then is booked.",
    "own_team_keys": "{who}: these users may put keys of theirs into a team, where their limit does not count.",
    "user_cap": "{who}: these users have limits of their own beside those of their keys. The lower limit wins.",
    "shorter_limits": "{who}: these members also have limits by the day or week.",
    "team_cap": "{who}: these teams also have a limit for all their members together.",
    "model_not_free": "{who}: listed in free_models, but the gateway charges for it or refuses it at the limit. "
    "The bot does not call it free.",
    "free_model_goes_on": "{who}: listed in free_models, but a call that fails there goes on to the model in brackets, "
    "which costs, whatever the limit. The bot does not call it free.",
    "listed_model_goes_on": "{who}: named in the policy, but a call that fails there goes on to the model in brackets, "
    "which no list of models stops.",
    "calls_name_fallbacks": "A call may name fallbacks of its own, and these are not compared with the list of models here. "
    "Somebody on the policy's fallback can reach other models so, up to its amount.",
    "team_keys_any_model": "{who}: these keys belong to a team, and a user's list of models does not count on them.",
    "open_groups": "{who}: anybody may choose these groups for a token of theirs, and they have models beyond those that the "
    "policy names.",
    "key_caps_unseen": "An admin cannot see other people's tokens here. A token with a quota of its own may bind besides ours.",
    "settings_unseen": "Only root may read this gateway's settings, so they could not be checked.",
    "no_usage_by_model": "This gateway gives no usage by person and model, so only what each person spent is known.",
    "usage_not_logged": "Usage logging is off, so spend cannot be split by model.",
    "subscriptions_pay_first": "{who}: these subscriptions pay before the wallet, so our limit does not count while one lasts.",
    "lowering_overwrites": "This gateway can lower a wallet only by overwriting it. Spend in that very moment may be "
    "given back; the next round takes it off again.",
    "key_expires": "{who}: these keys end on a fixed day, whatever is left on them.",
    "guardrails": "{who}: these guardrails also have a budget.",
    "other_workspaces": "{who}: the keys of these workspaces are not listed and not limited.",
}


def in_words(finding: Finding) -> str:
    named = [f"{one} ({finding.facts[one]})" if one in finding.facts else one for one in finding.subjects]
    who = ", ".join(named[:MOST_NAMED])
    if len(named) > MOST_NAMED:
        who += f" and {len(named) - MOST_NAMED} more"
    said = WORDS.get(finding.code, finding.code + ": {who}").format(who=who)
    return f"{said} Fix: {finding.fix}" if finding.fix else said
