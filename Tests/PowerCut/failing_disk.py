# SPDX-License-Identifier: Apache-2.0
"""A file system with one file, disk.img, whose writes and flushes fail when told to.

Usage: failing_disk.py IMAGE FOLDER CONTROL

The file CONTROL holds `ok` or `eio`; with `eio` every write and flush of the disk fails.
"""

import errno
import os
import stat
import sys

from mfusepy import FUSE, FuseOSError, Operations

image = os.open(sys.argv[1], os.O_RDWR)
size = os.fstat(image).st_size
control = sys.argv[3]


def check():
    with open(control) as file:
        if file.read().strip() == "eio":
            raise FuseOSError(errno.EIO)


class Disk(Operations):
    use_ns = True

    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2, "st_size": 0}
        if path == "/disk.img":
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}
        raise FuseOSError(errno.ENOENT)

    def readdir(self, path, fh):
        return [".", "..", "disk.img"]

    def open(self, path, flags):
        return 1

    def read(self, path, count, offset, fh):
        return os.pread(image, count, offset)

    def write(self, path, data, offset, fh):
        check()
        os.pwrite(image, data, offset)
        return len(data)

    def fsync(self, path, datasync, fh):
        check()
        return 0

    def flush(self, path, fh):
        return 0

    def release(self, path, fh):
        return 0


# Without direct I/O the kernel would keep what was refused.
FUSE(Disk(), sys.argv[2], foreground=True, nothreads=True, direct_io=True)
