"""Many fits, one result: folds and seeds in parallel processes, the same bits for any number."""
