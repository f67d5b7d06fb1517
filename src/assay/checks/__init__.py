"""The checks: each measures one known mistake and returns findings; none decides or renders.

One file per check, named by its code; `builtin` lists them. A check sees a `View`: the parts it
may see, never a sealed target.
"""
