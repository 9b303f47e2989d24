"""The test of the test: what arbitrates between two buyers is taken out, and it shows."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.flows import test_repeats
from tests.support.shop import Shop

# The ledger of each event that is made from now on has more of its stock than there is.
MORE_STOCK = (
    """CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.capacity = NEW.capacity + 100; RETURN NEW; END $$""",
    "CREATE TRIGGER more BEFORE INSERT ON stock_claims FOR EACH ROW EXECUTE FUNCTION more()",
)


@pytest.mark.parametrize(
    ("statements", "proof"),
    [
        (
            ["ALTER TABLE seat_claims DROP CONSTRAINT seat_claims_pkey"],
            test_repeats.test_two_holds_of_one_seat_end_in_one_sale,
        ),
        (MORE_STOCK, test_repeats.test_more_stock_held_than_there_is_is_not_sold),
    ],
    ids=["seats", "stock"],
)
async def test_places_are_sold_twice_and_that_is_seen(
    shop: Shop, statements: Sequence[str], proof: Callable[[Shop], Awaitable[None]]
) -> None:
    for statement in statements:
        await shop.rows(statement)
    with pytest.raises(AssertionError):
        await proof(shop)
