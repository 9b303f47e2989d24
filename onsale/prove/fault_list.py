"""All faults there are: each module puts its own into the list as it is read."""

from onsale.prove import clock_faults, postgres_faults, process_faults, redis_faults, wire_faults
from onsale.prove.faults import FAULTS

FAULT_MODULES = (process_faults, redis_faults, postgres_faults, wire_faults, clock_faults)

__all__ = ["FAULTS", "FAULT_MODULES"]
