"""The words of surges, and of pausing oneself and others."""

from __future__ import annotations

from handlers.words.text import Text

SURGE = Text(
    "You spent **{amount}** in the last {minutes} minutes. Is that you?",
    "最近 {minutes} 分钟用掉了 **{amount}**，是你在用吗？",
)
SURGE_IMPORTED = Text(
    "**{amount}** of usage was booked for you in the last {minutes} minutes. Is that you?",
    "最近 {minutes} 分钟内记入了你 **{amount}** 的用量，是你在用吗？",
)
SURGE_PAUSES = Text("Without an answer I pause you at {time}.", "到 {time} 还没有回复的话，我会先为你暂停。")
SURGE_OF = Text(
    "**{who}** spent **{amount}** in the last {minutes} minutes.",
    "**{who}** 在最近 {minutes} 分钟用掉了 **{amount}**。",
)
SURGE_OF_IMPORTED = Text(
    "**{amount}** of usage was booked for **{who}** in the last {minutes} minutes.",
    "最近 {minutes} 分钟内记入了 **{who}** **{amount}** 的用量。",
)
BURNERS_AND_MORE = Text("{what} and {count} more", "{what}，另有 {count} 个")
SURGE_ASKED = Text("They were asked whether that is meant.", "已询问本人是否在使用。")
SURGE_PAUSES_OF = Text(
    "Without an answer I pause them at {time}.", "到 {time} 还没有回复的话，我会先暂停其使用。"
)
SURGE_GOES_ON = Text(
    "**{who}** has spent **{amount}** more since {time}, and nobody has answered.",
    "**{who}** 从 {time} 起又用掉 **{amount}**，一直没有人回复。",
)
SURGE_CANNOT_STOP = Text(
    "I can't stop it: no limit is enforced for them. Talk to them, or revoke their keys at the gateway.",
    "我没法拦截：网关没有对其执行限额。请联系本人，或在网关停用其密钥。",
)
SURGE_MEANT = Text("**{who}** says that the spend is meant.", "**{who}** 确认是本人在使用。")
CONTINUE_BUTTON = Text("Keep going", "继续使用")
PAUSE_BUTTON = Text("Pause me", "先暂停")
PAUSE_OTHER_BUTTON = Text("Pause {who}", "暂停 {who}")
RESUME_OTHER_BUTTON = Text("Let {who} go on", "允许 {who} 继续")
PAUSED = Text(
    "You are paused: as soon as the gateway has the new limit it refuses your calls, until you say `continue`.",
    "已为你暂停：网关收到新限额后会拒绝你的请求，直到你发送 `继续`。",
)
PAUSED_TILL_CONTINUE = Text(
    "You are paused until you say `continue`.", "你处于暂停状态，发送 `继续` 即可恢复。"
)
PAUSED_TILL_RESUME = Text(
    "**{by}** paused you; an admin or a manager of yours ends that with `resume {word}`.",
    "**{by}** 暂停了你的使用；管理员或你的主管发送 `恢复 {word}` 即可恢复。",
)
PAUSE_CANNOT = Text(
    "I can't stop your calls: no limit is enforced for you at a gateway, so nothing was changed. Stop your agents themselves, or revoke their keys.",
    "我没法拦住你的调用：网关没有对你执行限额，所以未做任何改动。请直接停掉你的程序，或停用它们的密钥。",
)
PAUSE_CANNOT_OTHER = Text(
    "I can't stop the calls of **{who}**: no limit is enforced for them at a gateway, so nothing was changed. Talk to them, or revoke their keys at the gateway.",
    "我没法拦住 **{who}** 的调用：网关没有对其执行限额，所以未做任何改动。请联系本人，或在网关停用其密钥。",
)
PAUSED_UNANSWERED = Text(
    "Nobody answered, so I paused you: as soon as the gateway has the new limit it refuses your calls, until you say `continue`.",
    "一直没有人回复，我先为你暂停了：网关收到新限额后会拒绝你的请求，直到你发送 `继续`。",
)
PAUSED_UNANSWERED_OF = Text(
    "Nobody answered, so I paused **{who}**, who has spent **{amount}** more since {time}. As soon as the gateway has the new limit it refuses their calls, until they or you let it go on.",
    "一直没有人回复，我先暂停了 **{who}**（从 {time} 起又用掉 **{amount}**）。网关收到新限额后会拒绝其请求，直到本人或你允许继续。",
)
PAUSED_BY = Text(
    "**{by}** paused you: as soon as the gateway has the new limit it refuses your calls.",
    "**{by}** 暂停了你的使用：网关收到新限额后会拒绝你的请求。",
)
PAUSED_WHY = Text("Why: {reason}", "原因：{reason}")
PAUSED_TURN_TO = Text(
    "To go on, talk to {by}: they, your managers and admins can say `resume {word}`.",
    "如需继续，请联系 {by}；对方、你的主管或管理员发送 `恢复 {word}` 即可。",
)
PAUSED_ASK_ADMIN = Text(
    "To go on, talk to an admin: they and your managers can say `resume {word}`.",
    "如需继续，请联系管理员；管理员或你的主管发送 `恢复 {word}` 即可。",
)
AN_ADMIN = Text("An admin", "管理员")
STILL_PAUSED = Text(
    "**{by}** paused you, and you stay paused.", "**{by}** 暂停了你的使用，目前仍处于暂停状态。"
)
PAUSED_OTHER = Text(
    "**{who}** is paused: as soon as the gateway has the new limit it refuses their calls.",
    "已暂停 **{who}**：网关收到新限额后会拒绝其请求。",
)
PAUSED_OF = Text(
    "**{by}** paused **{who}**: as soon as the gateway has the new limit it refuses their calls.",
    "**{by}** 暂停了 **{who}**：网关收到新限额后会拒绝其请求。",
)
THEY_KNOW = Text("I told them who, why and how to go on.", "已告知本人是谁操作、原因以及如何恢复。")
THEY_KNOW_OF_IT = Text("I told them.", "已告知本人。")
NOBODY_REACHES = Text("No message of mine reaches them.", "我的消息无法送达本人。")
RESUMED_OTHER = Text(
    "**{who}** is not paused any more: calls pass as soon as the gateway has the limit, while there is quota left.",
    "**{who}** 已解除暂停：网关收到限额后，额度用完之前都可继续调用。",
)
RESUMED_OF = Text("**{by}** lets **{who}** go on.", "**{by}** 允许 **{who}** 继续使用。")
RESUMED_BY = Text(
    "**{by}** ended your pause: your calls pass as soon as the gateway has your limit.",
    "**{by}** 解除了你的暂停：网关收到限额后即可继续调用。",
)
RESUMED_USED_UP = Text(
    "**{by}** ended your pause, but your quota is used up.", "**{by}** 解除了你的暂停，但你的额度已用完。"
)
ALLOWED_OTHER = Text("**{who}** goes on.", "**{who}** 可以继续使用。")
ALLOWED_BY = Text("**{by}** says that the spend is fine.", "**{by}** 确认这笔用量没有问题。")
CONTINUED = Text("Fine, go on.", "好的，继续。")
CONFIRM_PAUSE = Text("Pause **{name}**", "暂停 **{name}**")
CONFIRM_RESUME = Text("Let **{name}** go on", "允许 **{name}** 继续使用")
