#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh [quick|full] [ROUNDS [ENGINE or LAYER ...]]
# Measures this store beside other engines, its tool beside sqlite3's, and durable maps and prevalent
# systems, on the disk that holds this folder, and leaves tables, figures and a picture in
# docs/benchmarks/. quick loads a million records, full five million. Even a quick run of all engines takes
# hours, for some are slow in some rows; those named are measured alone. What the machine does besides
# counts: a busy one makes a run invalid.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-quick} in
  quick) records=1000000 ;;
  full) records=5000000 ;;
  *) echo "usage: Benchmarks/run.sh [quick|full] [ROUNDS [ENGINE or LAYER ...]]" >&2; exit 2 ;;
esac
rounds=${2:-5}
names=("${@:3}")

missing=()
for package in liblmdb-dev libsqlite3-dev librocksdb-dev libwiredtiger-dev sqlite3; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || { echo "Please install: sudo apt-get install ${missing[*]}" >&2; exit 1; }
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

flags=(-c release -Xswiftc -enable-testing)
swift build "${flags[@]}" --product recordctl
swift build -c release --package-path Benchmarks --product benchmark
recordctl=$PWD/$(realpath --relative-to=. "$(swift build "${flags[@]}" --show-bin-path)")/recordctl
benchmark=$(swift build -c release --package-path Benchmarks --show-bin-path)/benchmark

# What is in memory only has no flush to measure.
folder=$(mktemp -d "$PWD/.bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
mkdir -p docs/benchmarks
failed=0
"$benchmark" engines "$folder" "$records" "$rounds" "${names[@]}" || failed=1
for result in engines.json engines.md engines.svg layers.json; do
  if [ -f "$folder/$result" ]; then cp "$folder/$result" docs/benchmarks/; fi
done
[ $failed = 0 ] || exit 1
"$benchmark" tool "$folder" "$recordctl" "$rounds" "$records"
cp "$folder"/tool.{json,md} docs/benchmarks/
"$benchmark" memory "$folder" "$rounds" "$records"
cp "$folder"/memory.{json,md} docs/benchmarks/
