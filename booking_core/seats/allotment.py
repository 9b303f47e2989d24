"""What each seat is kept for when nobody has it, as the scripts read it (lua/includes/digits.lua)."""

from booking_core.catalog.seat_layout import SeatLayout


def allotment_of(layout: SeatLayout) -> str:
    """Return one digit a seat: 0 anybody, 4 an accessible place, 5 a companion's beside one."""
    digits = bytearray(b"0" * len(layout.seat_ids))
    for index in layout.accessible:
        digits[index] = ord("4")
    for index in layout.companions:
        digits[index] = ord("5")
    return digits.decode()
