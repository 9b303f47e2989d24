"""How often something may be asked for: by one fan, from one address, from the network around it.

A soft limit makes the proof of work harder, a hard one refuses. Thousands of fans may share an
address (a campus, a mobile network), so hard limits lie where a flood would hurt us, not where a
crowd begins.
"""

from dataclasses import dataclass
from typing import Final, Literal

Whose = Literal["own", "address", "network"]
Kind = Literal["soft", "hard"]


@dataclass(frozen=True, slots=True)
class Flow:
    """So many at once, and one more every so often."""

    whose: Whose
    kind: Kind
    every_ms: int
    burst: int


# Compared as the one that it is: what is remembered of each is looked up for each fan who joins.
@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """What bounds one call. More devices than these on an address make the work harder, too."""

    call: str
    flows: tuple[Flow, ...]
    address_devices_max: int | None = None
    network_devices_max: int | None = None

    def flow(self, whose: str, kind: Kind = "hard") -> Flow:
        """Return one of its flows."""
        return next(flow for flow in self.flows if (flow.whose, flow.kind) == (whose, kind))


# A page asks for one challenge, and for another when a fan took minutes over the first: this is a
# family or an office. A whole campus is pressed, and its phones compute for a second and a half
# instead of 0.4 while they wait anyway. Beyond that each costs us a signature of 13 microseconds, and a
# tenth of a millisecond of Redis: five thousand at once and twenty a second are a crowd, and no flood.
CHALLENGES: Final = Limit(
    "challenge",
    (
        Flow("address", "soft", 3_000, 20),
        Flow("address", "hard", 50, 5_000),
        Flow("network", "soft", 50, 200),
        Flow("network", "hard", 10, 20_000),
    ),
    # Thirty devices are more than a household has; a carrier gives a thousand fans one address.
    address_devices_max=30,
    network_devices_max=200,
)
# Two thousand students press the button in the minute after the announcement. One core takes in
# 1,800 fans a second, so an address keeps it busy for two seconds and then for a hundredth.
JOINS: Final = Limit(
    "join", (Flow("address", "hard", 50, 3_000), Flow("network", "hard", 10, 10_000))
)
# A page asks again when it was told to, every second at the soonest. A program that asks without pause
# gets ten answers a second, which cost half a hundredth of a core.
ADMITS: Final = Limit("admit", (Flow("own", "hard", 100, 600),))


def again_limit(visit_ms: int) -> Limit:
    """Return what bounds coming back after a visit; who comes back within one has it still.

    Each return is a token that nobody new enters by. Two at once are a browser that crashed and a
    purse that was forgotten; then one for each visit a fan could have had, which a few in a hundred
    may take without anybody noticing.
    """
    return Limit("again", (Flow("own", "hard", visit_ms, 2),))


# A link is good for ten minutes, and one is enough; each costs a signature. `own` is the name that the place
# had at first, here and below: each move makes a new one, and a limit that goes by it is none.
LINKS: Final = Limit("move", (Flow("own", "hard", 5_000, 20),))
# The other device asks once, or once more. A phone, a laptop and a tablet, back and forth, are a handful;
# who was moved from is remembered by Redis, PostgreSQL and every process for as long as the sale lasts.
CLAIMS: Final = Limit("claim", (Flow("own", "hard", 10 * 60_000, 10),))
# A code by mail. `own` is a fan with a place: one code, and another when that one is late. Who has none
# yet has worked for each code as for a place, so what counts for joins counts for them.
MAIL_CODES: Final = Limit(
    "mail-code",
    (
        Flow("own", "hard", 30_000, 4),
        Flow("address", "hard", 50, 3_000),
        Flow("network", "hard", 10, 10_000),
    ),
)
# Each answer to a CAPTCHA costs a call to whom the operator may pay for it. A person is sure after one or
# two; five cover a widget that expires. Few of an address are asked for the check at all, and each of them
# has the other ways. The page says that it is open again within a minute, so no flow here is slower.
CAPTCHAS: Final = Limit(
    "captcha",
    (
        Flow("own", "hard", 60_000, 5),
        Flow("address", "hard", 5_000, 30),
        Flow("network", "hard", 1_000, 150),
    ),
)
# `own` is the sale: a farm has many addresses, and a provider's month is a few ten thousand calls. Of a
# hundred thousand fans a hundredth is asked for the check, in an hour and more.
CAPTCHAS_OF_SALE: Final = Limit("captcha-sale", (Flow("own", "hard", 2_000, 500),))
# `own` is a mailbox, whoever asks: nobody is to be flooded in our name. Five cover a bad day.
MAILBOX: Final = Limit("mailbox", (Flow("own", "hard", 15 * 60_000, 5),))
