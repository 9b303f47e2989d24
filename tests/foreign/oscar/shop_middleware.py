"""All that a shop has to be taught for Onsale: to say that a visit is over when somebody has bought."""

import os
import time
from pathlib import Path

# For the tests, to see who answered and to make one of them slow.
INSTANCE = os.environ.get("INSTANCE", "")
SLOW = Path(os.environ["SHOP_DIR"], f"{INSTANCE}-is-slow")
SLOW_S = 2.0


def tell_the_gate(get_response):
    """Set the header on the page that thanks for an order."""

    def answer(request):
        if SLOW.exists():
            time.sleep(SLOW_S)
        response = get_response(request)
        if request.path.startswith("/checkout/thank-you"):
            response["Onsale-Visit"] = "ended"
        response["X-Served-By"] = INSTANCE
        return response

    return answer
