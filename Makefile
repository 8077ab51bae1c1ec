# SPDX-License-Identifier: Apache-2.0
#
# make demo   builds the tool and tells the story of two stores that meet
# make test   runs every test

SHELL := /bin/bash -o pipefail

# The same flags everywhere, so that nothing is built twice; `swift test` would add some of its own,
# so `swift build` makes the tests too.
FLAGS := -c release -Xswiftc -enable-testing
SOURCES := Package.swift Sources Tests cli Benchmarks

# What the build, the demo and the tests need from Debian.
PACKAGES := zlib1g-dev pkg-config unicode-data iso-codes python3 openssl

# The same seeds in every run; each is printed where a test fails, and another can be given.
export RECORD_STORE_SEED ?= 1592598566

# A filter that matches nothing exits 0: fewer tests than this is a failure.
TEST_FLOOR := 600
# So many stores are opened after a power cut in every run, and so many random runs of several
# threads compared with a model: the tests say how many it were.
IMAGE_FLOOR := 200000
MODEL_FLOOR := 1000

FUZZ_SECONDS := 30
CRASH_ROUNDS := 2000
POWER_CUTS := 200
SHORT_WORKLOADS := 1200
SHORT_PARTS := crash-long-6 crash-long-7 crash-long-8 crash-long-9

.PHONY: demo test build prerequisites lint format bench bench-full counts fuzz clean mutants real-disks real-disks-quick \
  build-tests crash-long crash-long-1 crash-long-2 crash-long-3 crash-long-4 crash-long-5 \
  crash-long-11 crash-long-12 crash-long-short $(SHORT_PARTS) sanitize sanitize-thread sanitize-address sanitize-quick \
  sanitize-quick-thread sanitize-quick-address

demo: build
	@cli/demo.sh "$$(swift build $(FLAGS) --show-bin-path)/recordctl"

test: prerequisites
	@mkdir -p .build
	@swift build $(FLAGS) --build-tests
	@swift test $(FLAGS) --skip-build --disable-xctest 2>&1 | tee .build/test.log
	@.ci/enough-tests .build/test.log $(TEST_FLOOR) $(IMAGE_FLOOR) $(MODEL_FLOOR)

build: prerequisites
	@swift build $(FLAGS) --product recordctl

prerequisites:
	@missing=(); for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q ' installed' \
	    || missing+=("$$package"); done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	  if [ "$$(id -u)" = 0 ]; then \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive \
	      apt-get install -q -y --no-install-recommends "$${missing[@]}"; \
	  else echo "Please install what is missing: sudo apt-get install $${missing[*]}"; exit 1; fi; fi

lint:
	@swift format lint --strict --recursive --parallel $(SOURCES)

format:
	@swift format --in-place --recursive --parallel $(SOURCES)

# Beside other engines; "bench-full" with five million records, which takes hours.
bench: prerequisites
	@Benchmarks/run.sh quick

bench-full: prerequisites
	@Benchmarks/run.sh full

# What one operation costs in instructions, allocations, flushes and bytes, against limits: two
# minutes, the same on every machine. Needs valgrind.
counts: prerequisites
	@swift build $(FLAGS) --product operation-counts
	@Tests/Counts/count.sh "$$(swift build $(FLAGS) --show-bin-path)/operation-counts"

# The targets are part of the package only where RECORD_STORE_FUZZ asks for them; Package.swift says
# why `fuzzer,address` is there besides. Without deterministic hashing SwiftPM passes the two
# sanitizers in any order, and builds everything anew when it changes. What is found is kept in
# .build-fuzz/corpus. A Swift trap must reach libFuzzer, so the backtracer is off.
fuzz: prerequisites
	@set -e; for folder in Tests/Fuzz/fuzz_*; do target=$$(basename "$$folder"); \
	  corpus=.build-fuzz/corpus/"$$target"; mkdir -p "$$corpus"; \
	  dictionary=Tests/Fuzz/dictionaries/"$$target".dict; \
	  RECORD_STORE_FUZZ=1 SWIFT_DETERMINISTIC_HASHING=1 swift build -c release \
	    --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer,address \
	    --scratch-path .build-fuzz --product "$$target"; \
	  SWIFT_BACKTRACE=enable=no .build-fuzz/release/"$$target" \
	    -max_total_time=$(FUZZ_SECONDS) -malloc_limit_mb=512 -rss_limit_mb=2048 -timeout=10 \
	    $$(test ! -f "$$dictionary" || echo -dict="$$dictionary") \
	    -artifact_prefix=.build-fuzz/"$$target"- "$$corpus"; done

# Ten times what every run does: power cuts, failing calls, damage, kills; and power cuts in short
# workloads, so that 20 million images are opened in all. What each number counts is told where it is
# read, at the top of the test files. In parts, each of which ends within half an hour on two
# processors.
crash-long: crash-long-1 crash-long-2 crash-long-3 crash-long-4 crash-long-5 crash-long-11 \
  crash-long-12 crash-long-short

CRASH_LONG = swift test $(FLAGS) --skip-build --disable-xctest --filter

build-tests: prerequisites
	@swift build $(FLAGS) --build-tests

# Power cuts on the simulated disk, in scripted workloads.
crash-long-1: build-tests
	@RECORD_STORE_CRASH_IMAGES=15000 RECORD_STORE_CRASH_SEEDS=2 RECORD_STORE_CRASH_WORKLOADS=4 \
	  RECORD_STORE_RESTART_SEEDS=30 \
	  $(CRASH_LONG) 'StorageEngineTests[.](CrashTests|GrowthCrashTests|FallbackTests|RestartTests)/'

# The same in random workloads, and beside threads.
crash-long-2: build-tests
	@RECORD_STORE_CRASH_WORKLOADS=40 RECORD_STORE_THREAD_CUTS=2500 \
	  RECORD_STORE_TWO_PHASE_IMAGES=6000 \
	  $(CRASH_LONG) 'StorageEngineTests[.](CrashTests|ConcurrentCrashTests|TwoPhaseCrashTests)/'

# Calls that fail, disks that are full, damage and forgery.
crash-long-3: build-tests
	@RECORD_STORE_FAULTS=4000 RECORD_STORE_FULL_DISK_RUNS=160 RECORD_STORE_DAMAGE=40000 \
	  RECORD_STORE_FORGERIES=15000 $(CRASH_LONG) \
	  'StorageEngineTests.*(FaultTests|FullDiskTests|DamageTests|ForgeryTests|Salvage)'

# Threads and random operations, and the layers above.
crash-long-4: build-tests
	@RECORD_STORE_CRASH_ROUNDS=$(CRASH_ROUNDS) RECORD_STORE_THREAD_ROUNDS=1500 \
	  RECORD_STORE_RANDOM_RUNS=120 RECORD_STORE_MODEL_SEEDS=20000 RECORD_STORE_ISOLATION_ROUNDS=40 \
	  $(CRASH_LONG) \
	  'ConcurrencyTests|RandomOperationTests|ThreadModelTests|IsolationTests|recordctlTests.CrashTests'

# Named snapshots, power cuts in their workloads too; what commits reserve, indexes and numbers of
# records; replicas that meet over a bad network.
crash-long-11: build-tests
	@RECORD_STORE_CRASH_IMAGES=15000 RECORD_STORE_SNAPSHOT_ROUNDS=400 \
	  RECORD_STORE_SNAPSHOT_STEPS=1200 RECORD_STORE_DEMAND_RUNS=400 RECORD_STORE_INDEX_ROUNDS=400 \
	  RECORD_STORE_NUMBER_ROUNDS=1500 RECORD_STORE_SEEDS=240 $(CRASH_LONG) \
	  'NamedSnapshot|PageDemandTests|IndexMergeTests|RecordNumberTests|PeerSyncTests.SimulationTests'

# Durable maps and prevalent systems: kills, power cuts, every bit.
crash-long-12: build-tests
	@RECORD_STORE_MAP_KILLS=1000 RECORD_STORE_MAP_CUTS=400 RECORD_STORE_MAP_FLIPS=40000 \
	  RECORD_STORE_KILL_ROUNDS=1000 RECORD_STORE_CRASH_STRIDE=1 RECORD_STORE_FLIP_STRIDE=1 \
	  RECORD_STORE_ROUNDS=2000 $(CRASH_LONG) 'DurableMemoryTests'

# Real processes, file systems and devices.
crash-long-5: build-tests real-disks
	@RECORD_STORE_KILL_ROUNDS=3000 RECORD_STORE_CALL_FAULTS=99 \
	  $(CRASH_LONG) 'ProcessTests|MixedKillTests|SystemCallFaultTests|OwnershipTests'

# Power cuts in short random workloads, of other seeds in each part. A workload has about 4,300 images
# of a third of a millisecond of one processor each: a part opens 5.2 million, in about 15 minutes on
# two. A process for each processor: threads of one that open and close stores wait for its memory. They
# are the tests themselves, as two of `swift test` get in each other's way.
crash-long-short: $(SHORT_PARTS)

$(SHORT_PARTS): build-tests
	@tests="$$(swift build $(FLAGS) --show-bin-path)/record-storePackageTests.xctest"; \
	processes=$$(nproc); each=$$((($(SHORT_WORKLOADS) + processes - 1) / processes)); \
	first=$$(($(RECORD_STORE_SEED) + $(SHORT_WORKLOADS) * $(@:crash-long-%=%))); running=(); \
	for process in $$(seq 0 $$((processes - 1))); do \
	  RECORD_STORE_SEED=$$((first + each * process)) RECORD_STORE_SMALL_WORKLOADS=$$each \
	    "$$tests" --testing-library swift-testing --no-parallel \
	    --filter 'StorageEngineTests[.]CrashTests/.*short random workload' & \
	  running+=($$!); \
	done; \
	for process in "$${running[@]}"; do wait $$process || exit 1; done

# Real power cuts, a failing device and full file systems; each says so where it is skipped.
real-disks: build-tests
	@set -e; export CRASH_WRITER="$$(swift build $(FLAGS) --show-bin-path)/crash-writer"; \
	  Tests/PowerCut/run.sh $(POWER_CUTS); Tests/PowerCut/failing-disk.sh 10; \
	  Tests/PowerCut/full-disk.sh 40

# The same in a few rounds, for every change.
real-disks-quick: build-tests
	@set -e; export CRASH_WRITER="$$(swift build $(FLAGS) --show-bin-path)/crash-writer"; \
	  Tests/PowerCut/run.sh 5; Tests/PowerCut/full-disk.sh 4

# Bugs put into the engine one after the other, which the tests must catch; some of them only with
# MUTANTS="1 17". Takes about ten seconds each, once the engine is built.
mutants:
	@Tests/Mutants/run.sh $(MUTANTS)

# Each sanitizer has a build folder of its own: their objects do not mix. Watched, everything takes
# many times as long, so it is done fewer times. The engine and its tests are a package of their own
# there, so that nothing else is built.
sanitize: sanitize-thread sanitize-address

SANITIZE = Tests/EnginePackage/sanitize.sh

sanitize-thread:
	@$(SANITIZE) thread .

sanitize-address:
	@$(SANITIZE) address .

# The part that every change must pass: what threads do, under the thread sanitizer, and what works
# on raw memory, on files that cannot be trusted above all, under the address sanitizer.
sanitize-quick: sanitize-quick-thread sanitize-quick-address

sanitize-quick-thread:
	@$(SANITIZE) thread 'ConcurrencyTests|ConcurrentCrashTests|AcknowledgementTests|PendingCommitTests|FrameReuseTests|GuaranteeTests|ThreadModelTests|ResidentConcurrencyTests'

sanitize-quick-address:
	@$(SANITIZE) address 'FrameTests|FrameReuseTests|EntryTests|TreeTests|CursorTests|PageReadTests|ForgeryTests|DamageTests|Salvage|LogReaderTests|SpillTests|ThreadModelTests|FallbackTests/'

clean:
	@rm -rf .build .build-* demo
