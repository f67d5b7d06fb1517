"""Searching: an experiment is tried with other settings, and the best of them becomes a run.

The trials see development rows only, out of fold. What the best of them is worth is corrected for
having been chosen (`tuning.correction`), before it is fitted again, with several seeds, as an
ordinary run. Any number of processes may work on a study; whatever is killed, the same command goes
on.
"""
