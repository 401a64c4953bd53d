"""Short human words: yes, no, a number, thanks, a greeting.

They mean something only beside a question, so they are never exact.
"""

from __future__ import annotations

import re

from handlers.command import Command
from handlers.language.sentence import Sentence

_YES = (
    "ok|okay|okey|k|kk|sure|sure thing|of course|yes please|yes,? (?:do it|go ahead|please do|sure)|yes yes|do it|go|go ahead|please do|yup|yeah|yea|yah|aye|right|correct|"
    "exactly|that'?s (?:right|it|correct)|looks good|lgtm|👍|✅|👌|🆗|:?[+]1:|:?thumbsup:|:?ok_hand:|:?white_check_mark:|好|好的|好啊|好呀|好吧|好滴|行|行吧|行啊|行的|可以|可以的|可以啊|"
    "嗯|嗯嗯|对|对的|对啊|没错|没问题|是啊|是呀|中|ok的|ok啊|确定"
)
_NO = (
    "no,? (?:thanks|thank you|thx|wait|don'?t|stop|not now|cancel)|nah|nay|noo+|not now|no way|never ?mind|nvm|forget it|cancel (?:that|it|this)|stop|stop it|don'?t|don'?t do it|do not|wrong|"
    "that'?s wrong|not (?:that|this|him|her|yet)|oops|👎|❌|🙅|:?-1:|:?thumbsdown:|:?x:|算了吧?|不了|不用|不用了?吧?|不用谢谢|先不|先不了|先不用|不行|不可以|别|别了|不是|不是的|取消吧|先算了|不要了|不对|错了|"
    "停|等等|等一下|不确定|不好"
)
_THANKS = "(?:many |ok(?:ay)?,? )?(?:thanks?|thank (?:you|u)|thx|tks|ty|tysm|cheers|much appreciated|perfect|great|cool|got it|noted)(?: (?:a lot|so much|very much|again|man|bot|you|a bunch))?|🙏|❤️?|谢谢(?:你|啦|了|您)?|谢了|多谢|感谢|谢谢谢|辛苦了?|收到|明白了?|知道了?|懂了|好的?,?(?:谢谢|收到)|收到,?谢谢"
_HELLO = "(?:hi|hey|hello|hiya|yo|good (?:morning|afternoon|evening))(?: (?:there|bot|quotabot|all))?|你好|您好|嗨|哈喽|在吗|早|早上好|晚上好|下午好"
_SHORT = tuple(
    (intent, re.compile(rf"(?:{words})"))
    for intent, words in (("yes", _YES), ("no", _NO), ("thanks", _THANKS), ("hello", _HELLO))
)
_NUMBER_ONLY = re.compile(
    r"(?i)\s*(?:just|only|make it|let'?s say|say|就|先|要)?\s*(?P<hole>\0)\s*(?:please|pls|thanks|then|吧|就行|就好|就够了?)?[\s.!。！]*"
)
_STARTS_WITH_NO = re.compile(
    r"(?:no|nope|nah|not|don'?t|stop|wait|cancel|never ?mind|wrong)\b|[不别停]|算了|取消|等[等一]"
)


def short_answer(sentence: Sentence) -> Command | None:
    words = re.sub(r"[\U0001f3fb-\U0001f3ff]", "", sentence.source).translate(_MARKS).lower()
    words = " ".join(words.split()).rstrip(" .!~,")
    for intent, pattern in _SHORT:
        if pattern.fullmatch(words):
            return Command(intent, confidence="unclear")
    return _only_a_number(sentence)


def refusal(sentence: Sentence) -> Command | None:
    """A text that begins like a no and is nothing else. It ends what waits for a yes, and moves nothing."""
    begins = _STARTS_WITH_NO.match(sentence.spaced.text)
    return Command("no", confidence="unclear") if begins and len(sentence.source) <= 80 else None


def _only_a_number(sentence: Sentence) -> Command | None:
    if len(sentence.numbers) != 1 or len(sentence.taken) != 1:
        return None
    [span] = sentence.numbers
    around = sentence.source[: span.start] + "\0" + sentence.source[span.end :]
    return (
        Command("amount", amount=span.text, confidence="unclear") if _NUMBER_ONLY.fullmatch(around) else None
    )


_MARKS = str.maketrans("，。！～；", ",.!~;")
