#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: count.sh PROGRAM
# Counts what one operation of each kind asks of the processor, the allocator and the disk, and fails
# where that is more than limits.txt allows. They are taken from two runs of different lengths, so that
# what both do beforehand does not count.
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "Please install valgrind to count with." >&2; exit 1; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# valgrind cannot read the debugging information of this compiler.
strip -o "$folder/program" "$program"
few=1000
many=3000

instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    "$folder/program" "$1" "$2" "$folder" 2>&1 \
    | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

allocations() {
  valgrind --leak-check=no "$folder/program" "$1" "$2" "$folder" 2>&1 \
    | sed -n 's/.*total heap usage: \([0-9,]*\) allocs.*/\1/p' | tr -d ,
}

failed=0
printf '%-16s %14s %12s %10s %12s\n' operation instructions allocations flushes bytes
while read -r operation most_instructions most_allocations most_flushes most_bytes; do
  read -r few_flushes few_bytes < <("$folder/program" "$operation" $few)
  read -r many_flushes many_bytes < <("$folder/program" "$operation" $many)
  few_instructions=$(instructions "$operation" $few)
  many_instructions=$(instructions "$operation" $many)
  few_allocations=$(allocations "$operation" $few)
  many_allocations=$(allocations "$operation" $many)
  if ! awk -v name="$operation" -v n=$((many - few)) \
    -v a="$few_instructions" -v b="$many_instructions" \
    -v c="$few_allocations" -v d="$many_allocations" \
    -v e="$few_flushes" -v f="$many_flushes" -v g="$few_bytes" -v h="$many_bytes" \
    -v i="$most_instructions" -v j="$most_allocations" -v k="$most_flushes" -v l="$most_bytes" '
    function cell(value, limit) {
      if (value > limit) { failed = 1; return sprintf("%.2f > %s", value, limit) }
      return sprintf("%.2f", value)
    }
    BEGIN {
      if (a == "" || b <= a || c == "" || d == "") { print name ": nothing was counted"; exit 1 }
      printf "%-16s %14s %12s %10s %12s\n", name, cell((b - a) / n, i), cell((d - c) / n, j),
        cell((f - e) / n, k), cell((h - g) / n, l)
      exit failed
    }'; then failed=1; fi
done < <(grep -v '^#' limits.txt)
[ $failed = 0 ] || { echo "An operation costs more than limits.txt allows." >&2; exit 1; }
