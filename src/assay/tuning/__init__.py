"""Tuning: a space to search, a study that outlives its processes, and what its winner is worth.

`space` says what may vary and `defaults` what suggests itself; `study` keeps trials, `leases` tell
the dead from the living, `worker` tries one set of settings after the other, and `correction` says
what the best of them is worth after having been chosen.
"""
