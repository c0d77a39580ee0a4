"""`python -m app`: the command `sublet`."""

from app.cli import main

main()
