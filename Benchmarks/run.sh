#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh [ROUNDS [RECORDS]]
# Measures on this machine and prints a table; the figures stay in docs/benchmarks/.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v sqlite3 >/dev/null || { echo "Please install sqlite3 to compare with." >&2; exit 1; }
flags=(-c release -Xswiftc -enable-testing)
swift build "${flags[@]}" --product recordctl
swift build -c release --package-path Benchmarks --product benchmark
recordctl=$PWD/$(realpath --relative-to=. "$(swift build "${flags[@]}" --show-bin-path)")/recordctl
benchmark=$(swift build -c release --package-path Benchmarks --show-bin-path)/benchmark

# On the disk that holds this folder: what is in memory only has no flush to measure.
folder=$(mktemp -d "$PWD/.bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$benchmark" "$folder" "$recordctl" "$@"
mkdir -p docs/benchmarks
cp "$folder/benchmark.json" "$folder/benchmark.md" docs/benchmarks/
