"""The fuzzers' own programs are no tests: one of them needs a package that may not be there."""

collect_ignore = ["guided.py"]
