"""The `onsale` command as a mortal: run as a module, it is the command, and dies at the armed effect.

Its clock can be put forward and back, too.
"""

import os
from pathlib import Path

from groundwork.clock import SystemClock
from onsale.cli import main
from onsale.prove.clocks import CLOCK_VARIABLE, WrongBy, make_steppable
from onsale.prove.effects import ARMED_VARIABLE, make_all_mortal

if __name__ == "__main__":
    make_all_mortal(Path(os.environ[ARMED_VARIABLE]))
    make_steppable(SystemClock, WrongBy(Path(os.environ[CLOCK_VARIABLE])))
    main()
