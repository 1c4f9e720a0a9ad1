"""The workspace's own checks, run by `make lint` as `python -m tools`.

Each rule is a module with `problems(root) -> list[str]`: the folder of a checkout in, one line per offence out, empty
when the rule is kept. Nothing is listed by hand: packages and services are found in the folders.
"""
