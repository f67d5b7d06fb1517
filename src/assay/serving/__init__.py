"""Serving: a model answers over HTTP, strictly and fast; whoever watches or routes plugs in here.

What lives here speaks HTTP: the app, how bodies are read, held against the schema and answered, and
how a model is swapped while requests go on. What a model predicts is decided in `inference` alone.
"""
