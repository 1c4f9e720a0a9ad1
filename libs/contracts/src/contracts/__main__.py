"""`python -m contracts check | export`."""

import argparse
import sys
from pathlib import Path

from contracts.checks import Library
from contracts.files import HOME, Files
from contracts.predecessor import predecessor


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0: done or all well, 1: findings, one line each on standard error."""
    parser = argparse.ArgumentParser(prog="python -m contracts", description="The contract library's files and rules.")
    parser.add_argument("--home", type=Path, default=HOME, help="the library's folder (default: this checkout's)")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="every kind is complete, and compatible with its predecessor")
    checking.add_argument("--against", metavar="REVISION", help="the commit to compare schemas with")
    commands.add_parser("export", help="write the schemas and the catalogue from the models")
    asked = parser.parse_args(arguments)
    library = Library(files=Files(asked.home.resolve()))
    if asked.command == "export":
        library.export()
        return 0
    return _check(library, asked.against)


def _check(library: Library, against: str | None) -> int:
    before = predecessor(library.files.home, against)
    if before is None and against is not None:
        sys.stderr.write(f"{against} is no commit that can be compared with\n")
        return 1
    found = library.findings(before)
    sys.stderr.writelines(f"{finding}\n" for finding in found)
    compared = f"compatible with {before.revision[:12]}" if before else "no commit to compare schemas with"
    if not found:
        sys.stdout.write(f"{len(library.events)} kinds on {len(library.topics)} topics: complete; {compared}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
