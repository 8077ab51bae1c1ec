#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Usage: Tests/EnginePackage/sanitize.sh thread|address FILTER
#
# Runs tests of the engine, and of durable memory where the filter is "." or names it, under a
# sanitizer, in the folder .build-thread or .build-address.
set -euo pipefail
cd "$(dirname "$0")/../.."
sanitizer=$1
filter=$2

export RECORD_STORE_CRASH_IMAGES=100 RECORD_STORE_CRASH_WORKLOADS=1 RECORD_STORE_FAULTS=40 \
  RECORD_STORE_FULL_DISK_RUNS=2 RECORD_STORE_DAMAGE=400 RECORD_STORE_FORGERIES=150 \
  RECORD_STORE_THREAD_CUTS=25 RECORD_STORE_THREAD_ROUNDS=50 RECORD_STORE_KILL_ROUNDS=30 \
  RECORD_STORE_CALL_FAULTS=1 RECORD_STORE_RANDOM_RUNS=3 RECORD_STORE_MODEL_SEEDS=24 \
  RECORD_STORE_ISOLATION_ROUNDS=1 RECORD_STORE_TWO_PHASE_IMAGES=60 \
  RECORD_STORE_GROWTH_COMMITS=20 RECORD_STORE_SMALL_WORKLOADS=1 RECORD_STORE_RESTART_SEEDS=1 RECORD_STORE_SNAPSHOT_ROUNDS=10

export LSAN_OPTIONS=suppressions=$PWD/Tests/EnginePackage/leaks.txt:print_suppressions=0

folder=.build-$sanitizer/engine
options=()
[[ $filter != . && $filter != *DurableMemory* ]] || options=(--durable-memory)
Tests/EnginePackage/make.sh "$folder" "${options[@]}"
# Optimised where that hides nothing, since the tests take ten times as long otherwise. The thread
# sanitizer does not see what the standard library does with counts of references: what is inlined
# from it would look like races.
optimisation=-Onone
# What opens thousands of stores one after the other on one thread, or fills a table for long, has no
# races, and would take most of the time; the address sanitizer watches it.
one_thread='CrashTests|GrowthCrashTests|RestartTests|FallbackTests|StaleLogTests|FaultTests|FullDiskTests'
one_thread+='|DamageTests|ForgeryTests|MapForgeryTests|Salvage[A-Za-z]*Tests|TwoPhaseCrashTests'
one_thread+='|NamedSnapshotCrashTests|NamedSnapshotFallbackTests|NamedSnapshotFullDiskTests'
one_thread+='|ResidentCrashTests|SimulatedDiskTests|PageDemandTests|PackingTests'
skipped="StorageEngineTests[.]($one_thread)/|DurableMemoryTests[.]HashTests/"
# Readers in tight loops leave those they wait for no time there.
skipped+='|DurableMemoryTests[.](QueryTests|RollbackTests|ConcurrencyTests)/'
# The address sanitizer holds back memory that was freed, so what goes back to the system is not seen.
[ "$sanitizer" = thread ] || { optimisation=-O; skipped='goes back to the system [(]K82[)]'; }
swift test -c debug -Xswiftc "$optimisation" --disable-xctest --sanitize="$sanitizer" \
  --package-path "$folder" --filter "$filter" --skip "$skipped"
