"""`python -m onsale` is the `onsale` command."""

from onsale.cli import main

if __name__ == "__main__":
    main()
