"""The port of a messenger: the `Request` that it hands in, and the protocols that it implements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from handlers.command import Command, Quoted
from models.messages.approval import Approval
from models.messages.message import Message
from models.people.profile import Profile

if TYPE_CHECKING:
    from aiohttp.web import RouteDef
    from prometheus_client.registry import Collector


class MessengerError(Exception):
    """Temporary: the worker retries after `retry_after` seconds. `unknown`: the message may have been delivered."""

    def __init__(self, reason: str, *, retry_after: float | None = None, unknown: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.unknown = unknown


class Undeliverable(Exception):  # noqa: N818 - what happened, in the words of the post office
    """Permanent: a retry does not help."""


@dataclass(frozen=True)
class Request:
    """A person asks something. `key` names the utterance for ever: the same key is the same request.

    `thread`: the address of a public card. `place`: the channel or group that can read the request; empty
    in a chat with the bot alone. `answer_by`: how to answer, opaque to us; None when the caller shows the
    answer itself. `can_open`: a form can be shown as the answer. `from_form`: a form was sent and stays
    open after a refusal, so no receipt of the refusal is kept. `push`: the number of the delivery, for
    requests that may be asked again after a refusal. `quoted`: the message that this one replies to.
    """

    key: str
    sender: str
    command: Command
    thread: str | None = None
    place: str = ""
    answer_by: dict[str, Any] | None = None
    can_open: bool = False
    from_form: bool = False
    push: str = ""
    quoted: Quoted | None = None

    @property
    def refusal_key(self) -> str:
        """The receipt key of a refusal: it holds for this delivery, not for ever."""
        return f"{self.key}:{self.push}" if self.push else self.key

    @property
    def messenger(self) -> str:
        return self.sender.split(":", 1)[0]

    @property
    def named(self) -> str | None:
        """The address of the mentioned person."""
        person = self.command.person
        return f"{self.messenger}:{person.id}" if person and person.id else None


class Messenger(Protocol):
    """A way to reach people. Addresses read `slack:U02`, `slack:C02/1712.34`, `dingtalk:manager42`.

    This is the required core. Optional abilities are the protocols below, found with `isinstance`. Each
    request says whether a form can be shown (`Request.can_open`).
    """

    name: str

    async def run(self) -> None:
        """Listen until cancelled; requests in flight get a few seconds to finish."""

    def ready(self) -> bool:
        """Whether messages arrive at the moment."""

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        """Send a message and return its ref, empty if it cannot be changed later. Raises `MessengerError`, `Undeliverable`.

        `unsure`: an earlier attempt with this key may have arrived; look before sending again.
        """

    async def replace(self, address: str, ref: str, message: Message) -> None:
        """Replace the message that `send` sent to this address; do nothing if it is gone."""

    async def answer(self, by: dict[str, Any], message: Message) -> None: ...


@runtime_checkable
class Home(Protocol):
    """People have a home page of their own. Without this protocol nothing is published."""

    async def home(self, address: str, message: Message) -> None: ...


@runtime_checkable
class Profiles(Protocol):
    """The messenger knows its people. Without this protocol every linked person counts as a colleague."""

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        """The messenger's record of a person, at most an hour old; None when it cannot be read now.

        A read that is not `urgent` gives way when the vendor's rate limit is near.
        """


def with_profiles(messenger: Messenger | None) -> Profiles | None:
    """The messenger, if it reads profiles."""
    kind: Any = type(messenger)
    return cast("Profiles", messenger) if _reads_profiles(kind) else None


@lru_cache(maxsize=32)  # to ask a protocol of Python takes as long as a small statement
def _reads_profiles(kind: type) -> bool:
    return issubclass(kind, Profiles)


@runtime_checkable
class People(Protocol):
    """The messenger can list its people, for `quotabot people sync`.

    Without this protocol people come from a file.
    """

    async def people(self) -> list[tuple[str, Profile]]:
        """Everybody with their address; raises rather than returning a part of them."""


@runtime_checkable
class Approvals(Protocol):
    """People can decide a request in the vendor's own approval.

    Without this protocol the request is a card. Raises like `Messenger.send`.
    """

    async def start_approval(self, approval: Approval, form: Message, *, unsure: bool) -> str:
        """Start an approval with the facts of `form` and return its ref; empty if `form` is settled (has no button).

        `unsure`: an earlier attempt may have started it; look before starting another.
        """

    async def end_approval(self, approval: Approval, ref: str, form: Message) -> None:
        """End the approval of a settled request; do nothing while `form` has a button, or when the approval is over."""

    async def review_approval(self, ref: str, code: str) -> None:
        """Read the approval and carry out its decision. `code`: the request's CODE, if known."""


@runtime_checkable
class Endpoints(Protocol):
    """The vendor calls us over HTTP."""

    def routes(self) -> list[RouteDef]:
        """The routes; each checks the authenticity of its calls."""


@runtime_checkable
class Metered(Protocol):
    """The messenger has figures for /metrics."""

    def collectors(self) -> list[Collector]: ...
