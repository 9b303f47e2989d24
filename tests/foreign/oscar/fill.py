"""Puts twelve posters into a new shop."""

from decimal import Decimal

import django

django.setup()

from oscar.apps.address.models import Country  # noqa: E402
from oscar.test.factories import create_product  # noqa: E402

Country.objects.create(
    iso_3166_1_a2="DE", printable_name="Germany", name="Germany", is_shipping_country=True
)
for number in range(12):
    create_product(
        upc=f"P{number}", title=f"Poster {number}", price=Decimal("9.90"), num_in_stock=1000
    )
