"""`python -m inkwash` is the command `inkwash`."""

from inkwash.cli import main

if __name__ == "__main__":
    main()
