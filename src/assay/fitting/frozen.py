"""Imported last by the server of workers: what it holds is not looked through for garbage.

A look would write into every page that the workers share.
"""

import gc

gc.collect()
gc.freeze()
