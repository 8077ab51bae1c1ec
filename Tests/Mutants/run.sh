#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: Tests/Mutants/run.sh [NUMBER]...
#
# Puts known bugs into a copy of the engine, one after the other, and sees whether the tests catch
# them: all patches of this folder, or those with the numbers given. The comments at the top of a
# patch say which guarantee it breaks, and which tests to run, one filter after the other until one
# fails. A mutant that is caught by nothing, or cannot be put in any more, is a failure; so is one
# whose tests do not end, since they may be no more than slow.
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
build_limit=900
test_limit=240
# Optimised, but by files: so a change of one file does not build everything anew.
flags=(-c debug -Xswiftc -O)
# Fewer rounds than otherwise: a mutant that needs more is a gap.
export RECORD_STORE_KILL_ROUNDS=${RECORD_STORE_KILL_ROUNDS:-30}

patches=()
if [ $# = 0 ]; then patches=("$folder"/*.patch); fi
for number in "$@"; do patches+=("$folder/$(printf %02d "$((10#$number))")"-*.patch); done
for patch in "${patches[@]}"; do
  [ -f "$patch" ] || { echo "$patch is missing"; exit 2; }
done

if [ -n "${MUTANTS_FOLDER:-}" ]; then
  # Kept from run to run, so that not all is built again.
  work=$MUTANTS_FOLDER
else
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/record-store-mutants.XXXXXX")
  trap 'rm -rf "$work"' EXIT
fi
"$folder/../EnginePackage/make.sh" "$work" --copy
cd "$work"
# Patches are to be applied to this folder, even if it lies in a work tree.
export GIT_CEILING_DIRECTORIES=${work%/*} GIT_DIR=/dev/null

build() { timeout $build_limit swift build "${flags[@]}" --build-tests >build.log 2>&1; }

# The first failure is enough, so each line must come at once. The tests run in a session of their
# own, which is ended as a whole.
run_tests() {
  local tests second status=0
  setsid stdbuf -oL swift test "${flags[@]}" --skip-build --disable-xctest --filter "$1" \
    >test.log 2>&1 &
  tests=$!
  for ((second = 0; second < test_limit; second++)); do
    kill -0 $tests 2>/dev/null || break
    sleep 1
    # Looked for after the pause, and once more paused for, so that its line is whole.
    ! grep -q '✘' test.log || { sleep 1; break; }
  done
  if kill -0 $tests 2>/dev/null; then
    pkill -KILL --session $tests 2>/dev/null || kill -KILL -- -$tests 2>/dev/null || true
    wait $tests 2>/dev/null || true
    grep -q '✘' test.log && return 1
    return 124
  fi
  wait $tests || status=$?
  return $status
}

# Says what became of a mutant: the first test that failed, or why none did.
judge() {
  local patch=$1 status=0 filter
  git apply -C1 "$patch" 2>apply.log || { echo "DOES NOT APPLY"; return 1; }
  if ! build; then
    echo "DOES NOT BUILD: $(grep -m 1 "error" build.log || tail -n 1 build.log)"
    return 1
  fi
  for filter in $(sed -n 's/^# tests: //p' "$patch"); do
    run_tests "$filter" || { status=$?; break; }
  done
  case $status in
    0) echo "NOT CAUGHT"; return 1 ;;
    124) echo "NOT CAUGHT: no end of $filter within $test_limit s"; return 1 ;;
  esac
  grep -m 1 -oP '(?<=✘ Test ).*?(?= recorded| failed)|Fatal error.*' test.log \
    | sed 's/^/caught: /' | head -n 1 || echo "caught: the tests ended with $status"
}

build || { echo "the engine does not build:"; tail -n 5 build.log; exit 2; }

passed=0
failed=0
for patch in "${patches[@]}"; do
  name=$(basename "$patch" .patch)
  began=$SECONDS
  if outcome=$(judge "$patch"); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  printf '%-38s %4d s  %s\n' "$name" $((SECONDS - began)) "$outcome"
  # A fresh copy, but only of what differs, so that the rest need not be built again.
  while read -r file; do
    cp "$folder/../../$file" "$file"
  done < <(sed -n 's,^+++ b/,,p' "$patch")
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
