"""Reproduction: a run is done again and compared bit for bit, or packed so that others can do it.

What was recorded is recalled from the store of runs, or from a folder that `lock` wrote; the
environment is compared, the data found by its fingerprint, and training is the lifecycle's own.
"""
