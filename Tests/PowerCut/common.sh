# SPDX-License-Identifier: Apache-2.0
#
# Shared by the scripts of this folder: a temporary folder, and a way back out of everything.

# Says why nothing is tested, and ends well.
skip() {
  echo "SKIPPED: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

need_root() {
  [ "$(id -u)" = 0 ] || skip "mounting needs root"
}

need_tools() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || skip "$tool is missing"
  done
}

# The writer that the tests were built with, or the one that CRASH_WRITER names.
find_writer() {
  local root
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  writer=${CRASH_WRITER:-$root/.build/release/crash-writer}
  [ -x "$writer" ] || skip "$writer is not built; make test does that"
}

# What is to be undone is undone in reverse order, whatever happens.
undo=()
clean_up() {
  local index
  for ((index = ${#undo[@]} - 1; index >= 0; index--)); do
    eval "${undo[index]}" >/dev/null 2>&1 || true
  done
}

make_work_folder() {
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/record-store-power-cut.XXXXXX")
  undo+=("rm -rf --one-file-system '$work'")
  trap clean_up EXIT
  trap 'exit 130' INT TERM
}

# Ends the process whose number is in the variable `process`.
end_writer() {
  if [ -n "${process:-}" ]; then
    kill -9 "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
    process=
  fi
}

# Waits until a file has a number of lines; fails when its writer ends before.
await_lines() {
  local file=$1 count=$2 tries
  for ((tries = 0; tries < 3000; tries++)); do
    [ "$(wc -l <"$file")" -ge "$count" ] && return 0
    kill -0 "$process" 2>/dev/null || return 1
    sleep 0.01
  done
  return 1
}
