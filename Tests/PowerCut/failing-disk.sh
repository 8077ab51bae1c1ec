#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: Tests/PowerCut/failing-disk.sh [ROUNDS]
#
# Lets eight threads write to a store on a block device that begins to fail at some moment. The
# writer must stop; what it acknowledged must be there when the device is well again. Needs root,
# and mfusepy, which is fetched where it is missing.
set -euo pipefail
cd "$(dirname "$0")"
program=$PWD/failing_disk.py
. ./common.sh

rounds=${1:-3}
series=8

need_root
need_tools mkfs.ext4 losetup mount umount fusermount3 python3
[ -e /dev/fuse ] || skip "/dev/fuse is missing"
find_writer
make_work_folder
cd "$work"
if ! python3 -c 'import mfusepy' 2>/dev/null; then
  timeout 60 python3 -m pip install -q --target "$work/python" mfusepy >/dev/null 2>&1 \
    || skip "mfusepy is missing and cannot be fetched"
  export PYTHONPATH=$work/python
fi

mkdir fuse mounted
undo+=(stop_disk end_writer)

start_disk() {
  local tries
  echo ok >control
  rm -f blocks.img
  truncate -s 128M blocks.img
  mkfs.ext4 -q -F blocks.img
  python3 "$program" "$work/blocks.img" "$work/fuse" "$work/control" &
  disk=$!
  for ((tries = 0; tries < 500; tries++)); do
    [ -e fuse/disk.img ] && break
    kill -0 $disk 2>/dev/null || skip "no file system can be mounted by a program here"
    sleep 0.01
  done
  attach
}

attach() {
  device=$(losetup --direct-io=off --show -f fuse/disk.img)
  mount -o errors=continue "$device" mounted
}

detach() {
  umount mounted
  losetup -d "$device"
}

stop_disk() {
  echo ok >"$work/control"
  umount "$work/mounted" || true
  [ -z "${device:-}" ] || losetup -d "$device" || true
  fusermount3 -u "$work/fuse" || true
  [ -z "${disk:-}" ] || wait "$disk" || true
}

# Writes until the device fails, and prints what the store was found to be after that.
fail_once() {
  local seed=$((20270000 + $1)) status=0
  : >said
  "$writer" mix mounted/store $series "$seed" >said &
  process=$!
  await_lines said $((10 + RANDOM % 300)) || { echo "the writer ended early"; return 1; }
  echo eio >control
  timeout 60 tail --pid=$process -f /dev/null || { echo "the writer goes on"; return 1; }
  wait "$process" || status=$?
  process=
  [ $status = 1 ] || { echo "the writer ended with $status"; return 1; }
  grep -v '^error: ' said >acknowledged || true
  echo ok >control
  # The journal of the file system has failed too; it is well after another mount.
  detach
  attach
  timeout 120 "$writer" verify mounted/store $series "$seed" acknowledged acknowledged
}

passed=0
failed=0
kept=0
for ((round = 0; round < rounds; round++)); do
  start_disk
  # Not in a shell of its own: it changes what is to be undone.
  if fail_once "$round" >answer 2>&1; then
    passed=$((passed + 1))
    kept=$((kept + $(awk 'END { print $2 }' answer)))
  else
    failed=$((failed + 1))
    echo "round $round: $(cat answer)"
  fi
  end_writer
  stop_disk >/dev/null 2>&1
  device=
  disk=
done
echo "$kept acknowledged transactions were compared after $rounds failures of the disk"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
