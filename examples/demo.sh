#!/bin/sh
# The tour of `make demo`: train on census data, register the model, predict with it.
set -eu
assay=$1
say() { printf '\n\033[1m$ assay %s\033[0m\n' "$*"; "$assay" "$@"; }

export ASSAY_WORKSPACE="${ASSAY_WORKSPACE:-examples/.assay}"
say train examples/adult.yaml
say register last --as income
say predict income examples/adult.parquet --out examples/.assay/income.csv
head -4 examples/.assay/income.csv
