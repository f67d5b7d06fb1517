"""Versions of models under a name: registering, listing, finding."""
