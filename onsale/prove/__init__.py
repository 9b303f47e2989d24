"""`onsale prove`: the whole system, real buyers, real faults, and a verdict from what everybody saw."""
