#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: count-flushes.sh [COMMITS]
# Counts what makes data durable while each engine commits that many records, one at a time and on
# one thread; fails where an engine has fewer of them than commits.
#
# Counted are fdatasync, fsync, msync with MS_SYNC, sync and syncfs, writes by pwritev2 with
# RWF_DSYNC or RWF_SYNC, and writes to what was opened with O_DSYNC or O_SYNC. sync_file_range is
# not: it flushes no cache of the disk. What io_uring or io_submit do cannot be seen here: an engine
# that uses them is said to be opaque, and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
commits=${1:-200}

command -v strace >/dev/null || { echo "Please install strace." >&2; exit 1; }
flags=(-c release -Xswiftc -enable-testing --package-path Benchmarks)
swift build "${flags[@]}" --product flush-count >&2
program=$(swift build "${flags[@]}" --show-bin-path)/flush-count

# On the disk that holds this folder: what is in memory only may be flushed otherwise.
folder=$(mktemp -d "$PWD/.bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT

# With a question mark: not every machine has every call.
calls=openat,?open,?openat2,close,?dup,?dup2,dup3,fdatasync,fsync,msync,sync,syncfs
calls+=,write,pwrite64,writev,pwritev,pwritev2,?access,faccessat,?faccessat2
calls+=,io_uring_enter,io_submit

# Joins the halves of calls that came between another thread's, then counts between the two marks.
count='
  { thread = $1; sub(/^[0-9]+ +/, "") }
  / <unfinished \.\.\.>$/ { sub(/ *<unfinished \.\.\.>$/, ""); half[thread] = $0; next }
  /^<\.\.\. / { sub(/^<\.\.\. [a-z0-9_]+ resumed>/, ""); $0 = half[thread] $0 }

  /"\/flush-count\/commits-begin"/ { counting = 1 }
  /"\/flush-count\/commits-end"/ { counting = 0; ended = 1 }

  # What is written may look like anything.
  { gsub(/"([^"\\]|\\.)*"/, "\"\"") }
  !match($0, /= -?[0-9]+( [A-Z].*)?$/) { next }
  {
    result = substr($0, RSTART + 2) + 0
    call = substr($0, 1, index($0, "(") - 1)
    descriptor = substr($0, length(call) + 2) + 0
  }
  result < 0 { next }

  call ~ /^open|^creat$/ { synced[result] = /O_D?SYNC/; next }
  call ~ /^dup/ { synced[result] = synced[descriptor]; next }
  call == "close" { delete synced[descriptor]; next }
  !counting { next }
  call ~ /^io_/ { opaque = 1 }
  call ~ /^(fdatasync|fsync|sync|syncfs)$/ { kinds[call]++ }
  call == "msync" && /MS_SYNC/ { kinds[call]++ }
  call ~ /^p?write/ {
    if (/RWF_D?SYNC/) kinds[call " with RWF_DSYNC"]++
    else if (synced[descriptor]) kinds[call " to O_DSYNC"]++
  }

  END {
    for (kind in kinds) {
      total += kinds[kind]
      how = how (how ? ", " : "") kinds[kind] " " kind
    }
    if (opaque) how = how (how ? ", " : "") "opaque: io_uring or io_submit"
    printf "%-30s %8d %12.2f   %s\n", engine, commits, total / commits, how
    exit !(ended && !opaque && total >= commits)
  }
'

printf '%-30s %8s %12s   %s\n' engine commits flushes/commit how
failed=0
for engine in $("$program" list); do
  mkdir "$folder/$engine"
  name=$(strace -f -qq -e trace="$calls" -o "$folder/trace" "$program" \
    "$engine" "$folder/$engine" "$commits")
  awk -v engine="$name" -v commits="$commits" "$count" "$folder/trace" || failed=1
done
if [ "$failed" != 0 ]; then
  echo "An engine was not seen to flush every commit." >&2
  exit 1
fi
