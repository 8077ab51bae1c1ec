// SPDX-License-Identifier: Apache-2.0

#include "CStorageSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

int storage_futex_wait(const uint32_t *address, uint32_t expected) {
  long result =
      syscall(SYS_futex, address, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, expected, NULL, NULL, 0);
  return result < 0 ? -errno : 0;
}

int storage_futex_wake(const uint32_t *address, int count) {
  long result =
      syscall(SYS_futex, address, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
  return result < 0 ? -errno : (int)result;
}

int storage_set_direct(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  return fcntl(descriptor, F_SETFL, flags | O_DIRECT) < 0 ? -errno : 0;
}

int storage_open_again(int descriptor) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  int again = open(path, O_RDWR | O_CLOEXEC);
  return again < 0 ? -errno : again;
}

int storage_rename_without_replacing(const char *path, const char *new_path) {
  const unsigned no_replace = 1;
  long result = syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, new_path, no_replace);
  return result < 0 ? -errno : 0;
}

int64_t storage_write_durably(int descriptor, const void *bytes, size_t length, int64_t offset) {
  struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
  ssize_t count = pwritev2(descriptor, &vector, 1, offset, RWF_DSYNC);
  return count < 0 ? -errno : count;
}

int storage_allocate(int descriptor, int64_t offset, int64_t length) {
  return fallocate(descriptor, 0, offset, length) < 0 ? -errno : 0;
}

int storage_lock(int descriptor, bool exclusive) {
  return flock(descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0 ? -errno : 0;
}

uint32_t storage_device_major(uint64_t device) { return major(device); }

uint32_t storage_device_minor(uint64_t device) { return minor(device); }

void *storage_map_memory(size_t length) {
  void *address =
      mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return address == MAP_FAILED ? NULL : address;
}

void storage_unmap_memory(void *address, size_t length) { (void)munmap(address, length); }

void storage_advise_huge_pages(void *address, size_t length) {
  (void)madvise(address, length, MADV_HUGEPAGE);
}

void storage_keep_freed_memory(int kept, int largest) {
  mallopt(M_TRIM_THRESHOLD, kept);
  mallopt(M_MMAP_THRESHOLD, largest);
}
