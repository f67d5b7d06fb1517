"""Segments: what is measured of declared ones, and which weak ones are found."""
