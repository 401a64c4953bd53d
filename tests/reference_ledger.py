"""A second ledger, written from the rules and not from the code. It predicts every balance and every refusal.

It knows no tables, no transactions and none of our modules. `Refused` carries the name of the expected refusal.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.reference_terms import CENT, ReferenceLoan, Refused, Terms, TopUp, down, up


@dataclass
class ReferenceLedger:
    """Everybody's quota. `payers`: the team whose budget pays for a member's top-ups."""

    terms: Terms
    ends: Any
    payers: dict[str, str] = field(default_factory=dict)
    period: int = 1
    issued: int = 0
    expired: int = 0
    alloc: dict[str, int] = field(default_factory=dict)
    over: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    base: dict[str, int] = field(default_factory=dict)
    days: dict[str, tuple[int, int]] = field(default_factory=dict)
    top_ups: list[TopUp] = field(default_factory=list)
    loans: list[ReferenceLoan] = field(default_factory=list)
    pools: dict[tuple[str, int], int] = field(default_factory=dict)
    funded: dict[tuple[str, int], int] = field(default_factory=dict)
    read: dict[tuple[str, str, str], int] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    starts: Any = None
    staged: tuple[Terms, Any] | None = None
    """Terms that wait for their moment."""
    taken_by_leaving: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The period in which somebody left, and what of their own quota expired then."""
    settled_in: dict[str, int] = field(default_factory=dict)
    """The last period in which somebody got a base."""
    by_policy: list[tuple[str, int, Any]] = field(default_factory=list)
    declined: list[tuple[str, Any]] = field(default_factory=list)

    def copy(self) -> ReferenceLedger:
        return deepcopy(self)

    # What somebody has

    def mine(self, who: str) -> list[TopUp]:
        return sorted((one for one in self.top_ups if one.owner == who), key=lambda one: one.ends)

    def taken(self, who: str) -> list[ReferenceLoan]:
        return [one for one in self.loans if one.borrower == who and one.open]

    def between(self, lender: str, borrower: str) -> list[ReferenceLoan]:
        found = [one for one in self.taken(borrower) if one.lender == lender]
        if not found:
            raise Refused("NoSuchLoan")
        return found

    def borrowed(self, who: str) -> int:
        return sum(one.unspent for one in self.taken(who))

    def asked_for(self, who: str) -> int:
        return sum(one.unspent for one in self.taken(who) if one.asked)

    def available(self, who: str) -> int:
        granted = sum(one.balance for one in self.mine(who))
        return self.alloc[who] + granted + self.borrowed(who) + self.over[who]

    def lendable(self, who: str) -> int:
        kept = up(self.base[who], self.terms.keep)
        return 0 if self.asked_for(who) else max(0, self.alloc[who] - kept)

    # What people do

    def settle(self, who: str, base: int, days: tuple[int, int] = (1, 1)) -> None:
        left, whole = days
        due = min(base, -(-base * left // (whole * CENT)) * CENT)
        self.alloc[who] = self.alloc.get(who, 0) + due
        self.over.setdefault(who, 0)
        self.used.setdefault(who, 0)
        self.base[who], self.days[who], self.settled_in[who] = due, days, self.period
        self.issued -= due

    def spend(self, who: str, amount: int) -> None:
        self.used[who] += amount
        if who in self.left:
            self.issued -= amount
            return
        part = min(amount, self.alloc[who])
        self.alloc[who] -= part
        amount -= part
        for one in self.mine(who):
            part = min(amount, one.balance)
            one.balance -= part
            amount -= part
        for loan in self.taken(who):
            part = min(amount, loan.unspent)
            loan.used += part
            amount -= part
        self.over[who] -= amount

    def fill(self, who: str) -> int:
        hole = -self.over[who]
        part = min(hole, self.alloc[who])
        self.alloc[who] -= part
        for one in self.mine(who):
            more = min(hole - part, one.balance)
            one.balance -= more
            part += more
        self.over[who] += part
        return part

    def meter(self, who: str, day: str, model: str, total: int) -> None:
        """A cumulative figure: only what is new counts, however often it comes."""
        known = self.read.get((who, day, model), 0)
        self.read[who, day, model] = max(known, total)
        if total > known:
            self.spend(who, total - known)

    def lend(self, lender: str, borrower: str, amount: int | None, *, asked: bool = False) -> None:
        if lender == borrower:
            raise Refused("LendingToOneself")
        if asked:
            self.check_borrower(borrower, lender, amount or 0)
        if self.asked_for(lender):
            raise Refused("HoldsBorrowed")
        can = self.lendable(lender)
        amount = can if amount is None else amount
        if amount > can or not can:
            raise Refused("NotLendable")
        same = [one for one in self.taken(borrower) if one.lender == lender and one.period == self.period]
        if not same:
            same = [ReferenceLoan(lender, borrower, self.period)]
            self.loans += same
        same[0].principal += amount
        same[0].asked |= asked
        self.alloc[lender] -= amount

    def check_borrower(self, borrower: str, lender: str, amount: int) -> None:
        taken = self.taken(borrower)
        asked = [one for one in taken if one.asked]
        others = [one for one in asked if (one.lender, one.period) != (lender, self.period)]
        room = down(self.base[borrower], self.terms.borrowed) - sum(one.open for one in asked)
        late = any(one.owed and self.period - one.period >= 2 for one in taken)
        if late or len(others) >= self.terms.most_loans or amount > room:
            raise Refused("CannotBorrowNow")

    def repay(self, borrower: str, lender: str, amount: int | None) -> None:
        loans = self.between(lender, borrower)
        due, moved = sum(one.open for one in loans), False
        if amount is not None and amount > due:
            raise Refused("MoreThanDue")
        left = due if amount is None else amount
        for loan in loans:
            part = min(left, loan.unspent)
            loan.returned += part
            self.alloc[lender] += part
            left, moved = left - part, moved or part > 0
        if amount is None:
            left = min(left, self.alloc[borrower])
        if left > self.alloc[borrower] or not (moved or left):
            raise Refused("InsufficientQuota")
        self.pay(loans, left)
        self.fill(lender)

    def pay(self, loans: list[ReferenceLoan], left: int) -> None:
        for loan in loans:
            part = min(left, loan.owed)
            loan.repaid += part
            self.alloc[loan.borrower] -= part
            self.alloc[loan.lender] += part
            left -= part

    def recall(self, lender: str, borrower: str, amount: int | None) -> None:
        loans = self.between(lender, borrower)
        unspent = sum(one.unspent for one in loans)
        if not unspent:
            raise Refused("NothingOwed")
        if amount is not None and amount > unspent:
            raise Refused("MoreThanDue")
        left = unspent if amount is None else amount
        for loan in loans:
            part = min(left, loan.unspent)
            loan.returned += part
            self.alloc[lender] += part
            left -= part
        self.fill(lender)

    def forgive(self, lender: str, borrower: str, amount: int | None) -> None:
        loans = self.between(lender, borrower)
        owed = sum(one.owed for one in loans)
        if not owed:
            raise Refused("NothingOwed")
        if amount is not None and amount > owed:
            raise Refused("MoreThanDue")
        left = owed if amount is None else amount
        for loan in loans:
            part = min(left, loan.owed)
            loan.forgiven += part
            left -= part

    # What the organisation does

    def pool(self, who: str) -> tuple[str, int] | None:
        key = (self.payers.get(who, ""), self.period)
        return key if key in self.pools else None

    def grant(self, who: str, amount: int, ends: Any, code: str) -> None:
        payer = self.pool(who)
        if payer is None:
            self.issued -= amount
        elif self.pools[payer] < amount:
            raise Refused("PoolTooSmall")
        else:
            self.pools[payer] -= amount
        self.top_ups.append(TopUp(who, amount, ends, payer, code))
        self.fill(who)

    def gift(self, who: str, amount: int, ends: Any) -> None:
        """An admin's own grant, paid by nobody's budget."""
        self.issued -= amount
        self.top_ups.append(TopUp(who, amount, ends))
        self.fill(who)

    def auto_approves(self, who: str, amount: int) -> bool:
        """Whether the policy approves a request alone: small, rare, not in parts, and not after a decline."""
        if any(name == who and at >= self.starts for name, at in self.declined) or not self.terms.auto:
            return False
        earlier = [one for name, one, at in self.by_policy if name == who and at >= self.starts]
        within = sum(earlier) + amount <= down(self.base[who], self.terms.auto_share)
        payer = self.pool(who)
        return len(earlier) < self.terms.auto and within and (payer is None or self.pools[payer] >= amount)

    def give(self, who: str, amount: int | None) -> None:
        """Own quota for the team's budget, or back to the organisation."""
        amount = self.alloc[who] if amount is None else amount
        if not 0 < amount <= self.alloc[who]:
            raise Refused("InsufficientQuota")
        payer = self.pool(who)
        self.alloc[who] -= amount
        if payer is None:
            self.issued += amount
        else:
            self.pools[payer] += amount

    def take(self, who: str, amount: int) -> None:
        part = min(amount, self.alloc[who])
        self.alloc[who] -= part
        self.issued += part

    def end(self, top_up: TopUp) -> None:
        if top_up.payer is not None and top_up.payer[1] == self.period:
            self.pools[top_up.payer] += top_up.balance
        else:
            self.expired += top_up.balance
        top_up.balance = 0

    def revoke(self, code: str) -> None:
        for one in self.top_ups:
            if one.code == code and one.balance:
                return self.end(one)
        raise Refused("NothingToRevoke")

    def end_grants(self, now: Any) -> None:
        for one in self.top_ups:
            if one.ends <= now:
                self.end(one)

    def change(self, terms: Terms) -> None:
        """A changed policy: the difference to what was posted; a cut takes at most what is there."""
        self.terms, self.staged = terms, None
        for who, (left, whole) in self.days.items():
            if who in self.left:
                continue
            due = terms.bases.get(who, terms.bases["*"])
            base = min(due, -(-due * left // (whole * CENT)) * CENT) if left < whole else due
            if base > self.base[who]:
                self.alloc[who] += base - self.base[who]
                self.issued -= base - self.base[who]
                self.fill(who)
            else:
                self.take(who, self.base[who] - base)
            self.base[who] = base
        self.fund()

    def enact(self, now: Any) -> None:
        """Staged terms whose moment has come. What begins with the next period posts nothing in this one."""
        if self.staged is None or self.staged[1] > min(now, self.ends):
            return
        terms, since = self.staged
        self.staged = None
        if since >= self.ends:
            self.terms = terms
        else:
            self.change(terms)

    def fund(self) -> None:
        for team in set(self.payers.values()):
            key = (team, self.period)
            missing = self.terms.budget - self.funded.setdefault(key, 0)
            held = self.pools.setdefault(key, 0)
            moved = missing if missing > 0 else -min(-missing, held)
            self.pools[key] += moved
            self.funded[key] += moved
            self.issued -= moved

    def turn(self, ends: Any) -> None:
        """A close and an opening."""
        boundary, self.ends = self.ends, ends
        self.starts = boundary
        here = [who for who in self.alloc if who not in self.left]
        for loan in self.loans:
            self.alloc[loan.lender] += loan.unspent
            loan.returned += loan.unspent
        for who in here:
            self.fill(who)
            kept = down(self.alloc[who], self.terms.carry)
            kept = kept if self.terms.cap is None else min(kept, self.terms.cap)
            self.expired += self.alloc[who] - kept
            self.alloc[who] = kept
        for one in self.top_ups:
            if one.ends <= boundary:
                self.expired += one.balance
                one.balance = 0
        for key in self.pools:
            self.expired += self.pools[key]
            self.pools[key] = 0
        self.period += 1
        self._open(here)

    def _open(self, here: list[str]) -> None:
        room = {}
        for who in here:
            base = self.terms.bases.get(who, self.terms.bases["*"])
            self.base[who], self.days[who], self.settled_in[who] = base, (1, 1), self.period
            self.alloc[who] += base
            self.issued -= base
            filled = min(base, -self.over[who])
            self.alloc[who] -= filled
            self.over[who] += filled
            room[who] = min(down(base, self.terms.repay), base - filled)
        plan = []
        for loan in self.loans:
            part = min(loan.owed, room.get(loan.borrower, 0))
            room[loan.borrower] = room.get(loan.borrower, 0) - part
            plan.append((loan, part))
        for loan, part in plan:
            self.pay([loan], part)
        for who in here:
            self.fill(who)
        self.fund()

    def leave(self, who: str) -> None:
        for loan in [one for one in self.loans if one.open and who in (one.lender, one.borrower)]:
            self.alloc[loan.lender] += loan.unspent
            loan.returned += loan.unspent
            if loan.borrower == who:
                payer, owed = self.pool(who), loan.owed
                part = min(owed, self.pools[payer]) if payer else 0
                if payer:
                    self.pools[payer] -= part
                self.issued -= owed - part
                self.alloc[loan.lender] += owed
                loan.repaid += owed
                self.fill(loan.lender)
            else:
                loan.forgiven += loan.owed
        self.fill(who)
        self.expired += self.alloc[who]
        if self.alloc[who]:
            self.taken_by_leaving[who] = self.period, self.alloc[who]
        self.alloc[who] = 0
        for one in self.mine(who):
            self.end(one)
        self.issued += self.over[who]
        self.over[who] = 0
        self.left.add(who)

    def come_back(self, who: str, days: tuple[int, int]) -> None:
        """In the same period: the smaller of what leaving took and base × days left; else as a joiner."""
        self.left.discard(who)
        base = self.terms.bases.get(who, self.terms.bases["*"])
        if self.settled_in[who] != self.period:
            self.settle(who, base, days)
            return
        period, taken = self.taken_by_leaving.pop(who, (0, 0))
        left, whole = days
        part = min(base, -(-base * left // (whole * CENT)) * CENT)
        amount = min(taken, part) if period == self.period else 0
        self.alloc[who] += amount
        self.issued -= amount
        self.fill(who)

    # To be compared

    def picture(self) -> dict[str, Any]:
        """Everything that counts, in the shape in which the database is read."""
        return {
            "issued": self.issued,
            "expired": self.expired,
            "alloc": {who: n for who, n in self.alloc.items() if n},
            "over": {who: n for who, n in self.over.items() if n},
            "used": {who: n for who, n in self.used.items() if n},
            "top_ups": sorted((one.owner, one.balance) for one in self.top_ups if one.balance),
            "pools": {key: n for key, n in self.pools.items() if n},
            "loans": [
                (one.lender, one.borrower, one.principal, one.returned, one.used, one.repaid, one.forgiven)
                for one in self.loans
            ],
            "open": [i for i, one in enumerate(self.loans) if one.open],
        }
