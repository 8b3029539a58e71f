"""`python -m bench [MODEL ...]` measures; `python -m bench SUBCOMMAND` is the module's `main`."""

import sys
from importlib import import_module

SUBCOMMANDS = ("compare", "decode", "ops", "scaling")


def main() -> int:
    """Hand the command line to the subcommand that it names, or to `bench.run`."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in SUBCOMMANDS:
        return int(import_module(f"bench.{arguments[0]}").main(arguments[1:]))
    return int(import_module("bench.run").main(arguments))


if __name__ == "__main__":
    sys.exit(main())
