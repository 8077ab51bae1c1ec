#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: Tests/PowerCut/full-disk.sh [ROUNDS]
#
# Lets four threads write to a store on a small file system until nothing fits any more, each round
# with a few blocks less to fill: on tmpfs, and on ext4 in an image. Then either there is room again
# and the same process must go on, or it is killed, and the store must open as it is: full. What was
# acknowledged must be there. Needs root.
set -euo pipefail
cd "$(dirname "$0")"
. ./common.sh

rounds=${1:-6}
series=4
patience=1000000

need_root
need_tools mkfs.ext4 mount umount fallocate
find_writer
make_work_folder
cd "$work"
mkdir small
mount -t tmpfs -o size=64k tmpfs small 2>/dev/null || skip "nothing can be mounted here"
umount small
undo+=("umount '$work/small'" end_writer)

mount_small() {
  # About five MiB are left for the store, so that its records outgrow them, not only its log.
  if [ "$1" = tmpfs ]; then
    ballast=3145728
    mount -t tmpfs -o size=8m tmpfs small
  else
    ballast=9961472
    rm -f small.img
    truncate -s 16M small.img
    mkfs.ext4 -q -F -m 0 -O ^has_journal small.img
    mount -o loop small.img small 2>/dev/null
  fi
}

# Waits for further lines of a kind; fails when the writer ends before.
await_more() {
  local pattern=$1 count=$2 before tries
  before=$(grep -c -E "$pattern" said) || true
  for ((tries = 0; tries < 3000; tries++)); do
    [ $(($(grep -c -E "$pattern" said) - before)) -ge "$count" ] && return 0
    kill -0 "$process" 2>/dev/null || return 1
    sleep 0.01
  done
  return 1
}

verify() { timeout 120 "$writer" verify small/store $series "$1" said said; }

# Fills the file system and prints what the store was found to be.
fill() {
  local round=$1 seed=$((20280000 + $1)) outcome
  # Another number of blocks is left each time.
  fallocate -l $((ballast + 4096 * (round * 37 % 200))) small/ballast
  : >said
  "$writer" mix small/store $series "$seed" 1000000 $patience >said &
  process=$!
  await_lines said 1 || { echo "no store: $(tail -n 1 said)"; return 1; }
  await_more '^full' 20 || { echo "not full, or ended: $(tail -n 1 said)"; return 1; }
  # The last free blocks go as well.
  dd if=/dev/zero of=small/crumbs bs=4096 2>/dev/null || true
  await_more '^full' 5 || { echo "ended when full: $(tail -n 1 said)"; return 1; }
  if [ $((round % 2)) = 0 ]; then
    rm small/ballast small/crumbs
    await_more '^[0-9]' 1 || { echo "does not go on with room: $(tail -n 1 said)"; return 1; }
    end_writer
  else
    end_writer
    outcome=$(verify "$seed" 2>&1) && { echo "$outcome"; return 0; }
    # Recovery may need room, but says so.
    [[ $outcome == *"no space left"* || $outcome == *full* ]] || { echo "$outcome"; return 1; }
    rm small/ballast small/crumbs
  fi
  verify "$seed"
}

passed=0
failed=0
kept=0
for kind in tmpfs ext4; do
  for ((round = 0; round < rounds; round++)); do
    mount_small $kind || skip "$kind cannot be mounted here"
    # Not in a shell of its own: it notes which process is to be ended.
    if fill "$round" >answer 2>&1; then
      passed=$((passed + 1))
      kept=$((kept + $(awk 'END { print $2 }' answer)))
    else
      failed=$((failed + 1))
      echo "$kind, round $round: $(cat answer)"
    fi
    end_writer
    umount small
  done
done
echo "$kept acknowledged transactions were compared on full file systems"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
