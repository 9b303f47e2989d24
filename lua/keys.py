"""Every Redis key there is. All keys of a sale, and all keys of an event, share one hash tag.

Redis Cluster keeps what has one tag on one node, so that a script sees all of it.
"""

from collections.abc import Mapping
from functools import lru_cache


@lru_cache(maxsize=4096)
def sale_keys(sale_id: str) -> Mapping[str, str]:
    """Return the keys of a sale's waiting room by the names the scripts use."""
    tag = f"{{s:{sale_id}}}"
    return {
        # hash: epoch, token bucket, entering; last_place, ceiling, serving of each lane
        "line": f"{tag}:line",
        "places": f"{tag}:places",  # hash: fan_id -> place, lane/fan_id -> place
        "moved": f"{tag}:moved",  # hash: lane/fan_id -> fan_id that a place was moved to
        "entry_numbers": f"{tag}:entry_numbers",  # hash: fan_id -> entry number
        # stream: entry number-1 -> fan_id, until the roster in PostgreSQL has it
        "entries": f"{tag}:entries",
        "gaps": f"{tag}:gaps",  # zset: places never given, scored by the first, valued by the last
        "calls": f"{tag}:calls",  # zset: which cohort called which places
        "cohorts": f"{tag}:cohorts",  # hash: number -> calls of a short while, and their claims
        "claims": f"{tag}:claims",  # zset: fan_id, scored by the place that was claimed
        "turnstile": f"{tag}:turnstile",  # zset: fan_id, scored by the token that lets them in
        "late": f"{tag}:late",  # zset: fan_id, scored by the moment they came to a full house
        "asked": f"{tag}:asked",  # zset: fan_id of these two, scored by when they asked last
        "faults": f"{tag}:faults",  # hash: fan_id -> how often we failed them, when last, time given
        "visits": f"{tag}:visits",  # zset: fan_id, scored by the end of the visit
        "visit_ids": f"{tag}:visit_ids",  # hash: fan_id -> visit_id:pass end
        "stock": f"{tag}:stock",  # hash: what the shop has left, and whether that is shown as sold out
    }


def waits_keys(sale_id: str) -> Mapping[str, str]:
    """Return where the waits of a sale are told, and the record of how they held is kept."""
    tag = f"{{s:{sale_id}}}"
    return {"waits": f"{tag}:waits", "record": f"{tag}:waits_record"}


def spent_key(sale_id: str, what: str) -> str:
    """Return the key that remembers a single-use thing (a proof's nonce, a DPoP jti)."""
    return f"{{s:{sale_id}}}:spent:{what}"


def allowance_key(sale_id: str, what: str) -> str:
    """Return the key of an allowance that refills evenly."""
    return f"{{s:{sale_id}}}:allowance:{what}"


def limit_keys(sale_id: str, call: str, own: str, address: str, network: str) -> Mapping[str, str]:
    """Return the keys of what may be done how often: by one fan, from an address, from a network."""
    tag = f"{{s:{sale_id}}}"
    return {
        "own": f"{tag}:limit:{call}:own:{own}",
        "address": f"{tag}:limit:{call}:address:{address}",
        "network": f"{tag}:limit:{call}:network:{network}",
        "address_devices": f"{tag}:devices:address:{address}",
        "network_devices": f"{tag}:devices:network:{network}",
    }


@lru_cache(maxsize=4096)
def event_keys(event_id: str) -> Mapping[str, str]:
    """Return the keys of an event's seats by the names the scripts use."""
    tag = f"{{e:{event_id}}}"
    return {
        "meta": f"{tag}:meta",  # hash: epoch, seq, version of the allotment, where room was found
        "status": f"{tag}:status",  # string: one character a seat, by seat_index
        "holders": f"{tag}:holders",  # hash: seat_index -> reservation_id
        "reservations": f"{tag}:reservations",  # hash: reservation_id -> JSON
        "expiries": f"{tag}:expiries",  # zset: reservation_id, scored by its end
        "fan_counts": f"{tag}:fan_counts",  # hash: fan_id -> seats held or bought
        "stock": f"{tag}:stock",  # hash: tier -> how many are free
        "allotment": f"{tag}:allotment",  # string: one character a seat, what it is kept for
        "offers": f"{tag}:offers",  # hash: fan_id -> the reservation offered to them
        "channels": f"{tag}:channels",  # hash: seat_index -> the channel it is kept for
        "plan": f"{tag}:plan",  # string: the packed blocks, best first
    }


def event_log_key(event_id: str, epoch: int) -> str:
    """Return the stream of an event's changes in one epoch; its entry ids are `<seq>-1`."""
    return f"{{e:{event_id}}}:log:{epoch}"


def operation_key(event_id: str, operation_id: str) -> str:
    """Return the key under which the answer to a repeatable operation is kept."""
    return f"{{e:{event_id}}}:operation:{operation_id}"


def settled_key(event_id: str, epoch: int, order_id: str, outcome: str, reservation_id: str) -> str:
    """Return the key that says that an outcome of an order was shown in an epoch.

    An order whose bank took too long may come to more than one, for other reservations.
    """
    name = f"settled:{epoch}:{order_id}:{outcome}:{reservation_id}"
    return operation_key(event_id, name)


def holding_key(event_id: str, fan_id: str) -> str:
    """Return the key that remembers until when a fan may hold, and from when on they rest (ms)."""
    return f"{{e:{event_id}}}:holding:{fan_id}"


def staged_keys(event_id: str, epoch: int) -> Mapping[str, str]:
    """Return where a rebuild collects an event's state until it is activated as one."""
    tag = f"{{e:{event_id}}}:staged:{epoch}"
    return {
        f"staged_{name}": f"{tag}:{name}"
        for name in (
            "status",
            "allotment",
            "holders",
            "reservations",
            "expiries",
            "fan_counts",
            "stock",
            "offers",
            "channels",
            "plan",
        )
    }


def mail_code_key(sale_id: str, name: str) -> str:
    """Return the key of a code that was sent by mail: JSON, as try_mail_code.lua reads it."""
    return f"{{s:{sale_id}}}:mail_code:{name}"
