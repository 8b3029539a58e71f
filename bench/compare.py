"""`python -m bench compare BEFORE.json AFTER.json`: what changed between two runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.report import comparison
from bench.results import Results


def main(arguments: list[str]) -> int:
    """Print the comparison."""
    parser = argparse.ArgumentParser(prog="python -m bench compare", description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args(arguments)
    print(comparison(Results.load(options.before), Results.load(options.after)))
    return 0
