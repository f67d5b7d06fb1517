"""Checks of source code: they read training code, never run it, and say where it goes wrong.

`reading` turns paths into modules; `flow` follows rows, and what was learnt from them, through the
statements of a module; `loops` knows the shape of a training loop. One file per check, named by its
code; `builtin` lists them; `check_sources` in `sources` is what the command line calls. Nothing
here imports a framework, and no code that is read is ever imported.
"""
