"""The `onsale` command as a mortal: run as a module, it is the command, and dies at the armed effect."""

import os
from pathlib import Path

from onsale.cli import main
from onsale.prove.effects import ARMED_VARIABLE, make_all_mortal

if __name__ == "__main__":
    make_all_mortal(Path(os.environ[ARMED_VARIABLE]))
    main()
