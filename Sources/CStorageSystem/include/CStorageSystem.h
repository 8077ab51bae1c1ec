// SPDX-License-Identifier: Apache-2.0
//
// What Swift's Glibc module does not show: CRC-32C by instruction, futexes, O_DIRECT, fallocate,
// huge pages, and atomic access to words of memory that Swift sees only through pointers.
//
// Functions that call the system return 0 (or a count) on success and the negated errno on failure,
// so that no other call can come between the failure and the reading of errno.

#ifndef C_STORAGE_SYSTEM_H
#define C_STORAGE_SYSTEM_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// MARK: Checksums

/// CRC-32C (Castagnoli) of `length` bytes, by instruction where the processor has one.
/// Chains: crc(crc(0, a), b) == crc(0, a + b). crc(0, "123456789") == 0xE3069283.
uint32_t storage_crc32c(uint32_t seed, const void *bytes, size_t length);

/// The same value computed from tables, on any processor.
uint32_t storage_crc32c_table(uint32_t seed, const void *bytes, size_t length);

// MARK: Waiting

/// Sleeps while `*address` holds `expected`. Returns 0 when woken, -EAGAIN when the word had
/// changed already, -EINTR on a signal; the caller looks at the word again in every case.
int storage_futex_wait(const uint32_t *address, uint32_t expected);

/// Wakes at most `count` sleepers on `address`. Returns how many were woken.
int storage_futex_wake(const uint32_t *address, int count);

// MARK: Files

/// Makes reads and writes of an open file bypass the page cache. -EINVAL where the file system
/// cannot do it.
int storage_set_direct(int descriptor);

/// Opens the file of a descriptor once more, so that one of both can bypass the page cache.
int storage_open_again(int descriptor);

/// Writes, and makes durable what was written and no more. Returns the count or the negated error.
int64_t storage_write_durably(int descriptor, const void *bytes, size_t length, int64_t offset);

/// Reserves disk space for `length` bytes from `offset`, extending the file where needed.
int storage_allocate(int descriptor, int64_t offset, int64_t length);

/// Locks a whole open file, shared or exclusive, without waiting: -EWOULDBLOCK when it is locked
/// through another open of it, in this process or another.
int storage_lock(int descriptor, bool exclusive);

/// Gives a file another name in one step, unless something has that: -EEXIST. -EINVAL or -ENOSYS where
/// the file system or the kernel cannot do it.
int storage_rename_without_replacing(const char *path, const char *new_path);

/// The major and minor number of the device in a `struct stat`, as /proc/locks prints them.
uint32_t storage_device_major(uint64_t device);
uint32_t storage_device_minor(uint64_t device);

// MARK: Memory

/// Asks the processor to fetch the cache line of an address, which need not be valid.
static inline void storage_prefetch(const void *address) { __builtin_prefetch(address); }

// MARK: Searching

/// Among ascending little-endian numbers, of `count` from the one at `first` on, the position of the first
/// that is not below `sought`; `first + count` when there is none.
///
/// How often it steps depends on `count` alone, and nothing that is compared decides about a branch: half of
/// these would be guessed wrongly. Compilers make such a branch of a selection in a loop, unless told that
/// it cannot be foreseen, which Swift has no way to say.
static inline size_t storage_lower_bound_u64(
    const void *numbers, size_t first, size_t count, uint64_t sought) {
  const unsigned char *base = (const unsigned char *)numbers + first * sizeof(uint64_t);
  const unsigned char *low = base;
  uint64_t number;
  while (count > 1) {
    size_t half = count / 2;
    memcpy(&number, low + (half - 1) * sizeof number, sizeof number);
    low = __builtin_unpredictable(le64toh(number) < sought) ? low + half * sizeof number : low;
    count -= half;
  }
  if (count == 1) {
    memcpy(&number, low, sizeof number);
    low += (le64toh(number) < sought) * sizeof number;
  }
  return first + (size_t)(low - base) / sizeof number;
}

// MARK: Mapping

/// Maps `length` bytes of zeroed private memory; NULL when there is none.
void *storage_map_memory(size_t length);

/// Gives mapped memory back.
void storage_unmap_memory(void *address, size_t length);

/// Asks for huge pages behind a mapping. A hint: failure is harmless.
void storage_advise_huge_pages(void *address, size_t length);

/// Lets the C library keep up to `kept` bytes of freed memory, and take pieces of up to `largest`
/// bytes from it instead of from the system.
void storage_keep_freed_memory(int kept, int largest);

// MARK: Atomic words

static inline uint64_t storage_load_acquire_u64(const uint64_t *address) {
  return __atomic_load_n(address, __ATOMIC_ACQUIRE);
}

static inline uint32_t storage_load_acquire_u32(const uint32_t *address) {
  return __atomic_load_n(address, __ATOMIC_ACQUIRE);
}

static inline uint32_t storage_load_relaxed_u32(const uint32_t *address) {
  return __atomic_load_n(address, __ATOMIC_RELAXED);
}

static inline uint64_t storage_load_sequential_u64(const uint64_t *address) {
  return __atomic_load_n(address, __ATOMIC_SEQ_CST);
}

static inline void storage_store_release_u64(uint64_t *address, uint64_t value) {
  __atomic_store_n(address, value, __ATOMIC_RELEASE);
}

static inline void storage_store_release_u32(uint32_t *address, uint32_t value) {
  __atomic_store_n(address, value, __ATOMIC_RELEASE);
}

/// Sets `*address` to `desired` if it holds `expected`. Returns whether it did.
static inline bool storage_compare_exchange_u64(
    uint64_t *address, uint64_t expected, uint64_t desired) {
  return __atomic_compare_exchange_n(
      address, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/// Adds to `*address` and returns what it held before.
static inline uint64_t storage_fetch_add_u64(uint64_t *address, uint64_t amount) {
  return __atomic_fetch_add(address, amount, __ATOMIC_SEQ_CST);
}

/// Orders everything before it against everything after it, for all threads.
static inline void storage_fence_sequential(void) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
