"""The corpus is read, never imported or run."""

collect_ignore_glob = ["corpus/*"]
