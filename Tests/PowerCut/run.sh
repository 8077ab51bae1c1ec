#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: Tests/PowerCut/run.sh [ROUNDS]
#
# Cuts the power of a file system while eight threads write to a store on it, and compares what is
# left with what was acknowledged. The file system lies in an image on another one, which copies a
# file in one step without copying its blocks: such a copy is what the disk held at that moment. The
# copy is mounted, which replays its journal, and the store opened. Needs root.
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

rounds=${1:-5}
# After so many cuts another store begins.
rounds_per_store=20
series=8

need_root
need_tools mkfs.xfs mkfs.ext4 losetup mount umount
find_writer
make_work_folder
cd "$work"

mkdir outer inner cut
truncate -s 1200M outer.img
mkfs.xfs -q -m reflink=1 outer.img
mount -o loop outer.img outer 2>/dev/null || skip "no loop device can be mounted here"
undo+=("umount '$work/outer'")
truncate -s 256M outer/inner.img
mkfs.ext4 -q -F outer/inner.img
inner=$(losetup --show -f outer/inner.img)
undo+=("losetup -d $inner")
# The journal is written for flushes alone, not every few seconds.
mount -o commit=1000 "$inner" inner
undo+=("umount '$work/inner'" end_writer)

start_writer() {
  end_writer
  rm -f inner/store
  seed=$((20260000 + $1))
  : >said
  "$writer" mix inner/store $series "$seed" >>said &
  process=$!
  await_lines said 1 || { echo "the writer did not start: $(tail -n 1 said)"; exit 1; }
}

# Cuts the power and prints what the store was found to be.
cut_power() {
  local device outcome=0
  cp said before
  cp --reflink=always outer/inner.img outer/cut.img
  cp said after
  device=$(losetup --show -f outer/cut.img)
  if mount "$device" cut; then
    timeout 120 "$writer" verify cut/store $series "$seed" before after || outcome=$?
    umount cut
  else
    outcome=1
  fi
  losetup -d "$device"
  rm -f outer/cut.img
  return $outcome
}

passed=0
failed=0
kept=0
for ((round = 0; round < rounds; round++)); do
  [ $((round % rounds_per_store)) -gt 0 ] || start_writer "$round"
  lines=$(wc -l <said)
  await_lines said $((lines + RANDOM % 200)) || { echo "the writer ended: $(tail -n 1 said)"; exit 1; }
  if answer=$(cut_power 2>&1); then
    passed=$((passed + 1))
    kept=$((kept + ${answer##* }))
  else
    failed=$((failed + 1))
    echo "cut $round, seed $seed: $answer"
  fi
done
end_writer
echo "$kept acknowledged transactions were compared after $rounds power cuts"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
