"""``python -m vesalius`` is the command ``vesalius``."""

from vesalius.cli import main

main(prog_name="vesalius")
