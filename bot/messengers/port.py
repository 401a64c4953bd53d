"""What every messenger hands in and can do: a Request, and the port that the worker and `quotabot run` own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from handlers.command import Command
from models.messages.approval import Approval
from models.messages.message import Message
from models.people.profile import Profile

if TYPE_CHECKING:
    from aiohttp.web import RouteDef
    from prometheus_client.registry import Collector


class MessengerError(Exception):
    """Temporary; retried after `retry_after` seconds. `unknown`: it may have been delivered."""

    def __init__(self, reason: str, *, retry_after: float | None = None, unknown: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.unknown = unknown


class Undeliverable(Exception):  # noqa: N818 - what happened, in the words of the post office
    """Permanent: this message cannot be delivered there, and a retry will not help."""


@dataclass(frozen=True)
class Request:
    """Somebody asks something. `key` names the utterance for ever: the same key is the same request.

    `thread`: where a public card belongs, as an address.
    `place`: the channel or group in which others read what is asked; empty for a chat with the bot alone.
    `answer_by`: how to answer, opaque; None when the caller shows the answer itself.
    `can_open`: a form can be shown in answer.
    `from_form`: a form was sent, and stays open after a refusal, so that refusal is not kept.
    `push`: which of several pushes this is, where the same request may be asked again after a refusal.
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

    @property
    def refusal_key(self) -> str:
        """The key under which a refusal is kept: it holds for this push, not for ever."""
        return f"{self.key}:{self.push}" if self.push else self.key

    @property
    def messenger(self) -> str:
        return self.sender.split(":", 1)[0]

    @property
    def named(self) -> str | None:
        """The address of the person who is mentioned."""
        person = self.command.person
        return f"{self.messenger}:{person.id}" if person and person.id else None


class Messenger(Protocol):
    """A way to reach people. Addresses read `slack:U02`, `slack:C02/1712.34`, `dingtalk:manager42`.

    This is all that a messenger must have. What only some have is a protocol of its own below, found with `isinstance`.
    Whether a form can be shown is a matter of each request (`Request.can_open`): elsewhere people read what to type.
    """

    name: str

    async def run(self) -> None:
        """Listen until cancelled; what is in flight is finished first, within seconds."""

    def ready(self) -> bool:
        """Whether messages come in just now."""

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        """Say something and return its ref, empty where it cannot be changed. Raises `MessengerError`, `Undeliverable`.

        `unsure`: an earlier try with this key may have arrived; look before saying it again.
        """

    async def replace(self, address: str, ref: str, message: Message) -> None:
        """Show a new state of what `send` said at this address; does nothing when the message is gone."""

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        """Answer a request the way its messenger lets one."""


@runtime_checkable
class Home(Protocol):
    """Each person has a page of their own. Elsewhere nothing is published."""

    async def home(self, address: str, message: Message) -> None:
        """Publish the page."""


@runtime_checkable
class Profiles(Protocol):
    """The messenger knows who its people are. Elsewhere everybody who is linked counts as a colleague."""

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        """The person by the messenger's own word, at most an hour old; None when it cannot be read just now.

        What is not `urgent` gives way when the vendor's limit is near.
        """


@runtime_checkable
class People(Protocol):
    """The messenger can list its people, for `quotabot people sync`. Elsewhere people come from a file."""

    async def people(self) -> list[tuple[str, Profile]]:
        """Everybody with their address; raises rather than returning half of them."""


@runtime_checkable
class Approvals(Protocol):
    """People can decide a request in the vendor's own approval; elsewhere it goes out as a card. Raises as `Messenger.send` does."""

    async def start_approval(self, approval: Approval, form: Message, *, unsure: bool) -> str:
        """Start it with the facts of `form` and return its ref, empty where `form` is settled (has no button).

        `unsure`: an earlier try may have started it; look before starting another.
        """

    async def end_approval(self, approval: Approval, ref: str, form: Message) -> None:
        """End what is settled here; does nothing while `form` has a button, or when it is over there."""

    async def review_approval(self, ref: str, code: str) -> None:
        """Look at it and carry out what was decided there. `code`: the request's CODE, if it is known."""


@runtime_checkable
class Endpoints(Protocol):
    """The vendor calls us over HTTP. Elsewhere there is no address to call."""

    def routes(self) -> list[RouteDef]:
        """The routes, which check themselves whether a call is genuine."""


@runtime_checkable
class Metered(Protocol):
    """What the messenger counts for /metrics. Elsewhere nothing is counted beside the worker's figures."""

    def collectors(self) -> list[Collector]:
        """Figures for Prometheus."""
