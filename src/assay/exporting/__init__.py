"""Exporting: a folder that serves a model with only what that needs.

What lives here writes that folder. What it serves with is `assay.serving`, which travels in it.
"""
