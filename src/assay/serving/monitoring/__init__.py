"""Monitoring: what was asked and answered is sampled, and held against training hour by hour.

A sampler runs inside the server and writes files; everything else reads them, in another process
and whenever it likes: drift, performance, alarms, the page and the webhook. Nothing here predicts.
"""
