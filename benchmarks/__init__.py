"""What piggygan is measured by: ``evidence`` (how good, what is forgotten), ``speed`` (how long, how much memory).

``python -m benchmarks.run_all --list`` shows them all; each runs alone as ``python -m benchmarks.speed.floor``, from
the root of the repository.
"""
