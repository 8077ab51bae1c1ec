// SPDX-License-Identifier: Apache-2.0

/// The kernel's table of file locks, as found in `/proc/locks`.
///
///     1: FLOCK  ADVISORY  WRITE 4321 fe:00:12345 0 EOF
///
/// is a number, the kinds of lock, the holder's process id, then the device's major and minor
/// number (hexadecimal) and the inode (decimal). A waiter's line has `->` after the number.
enum LockTable {
  /// Finds who holds an `flock` lock on a file.
  ///
  /// Some file systems report another device to `stat` than the kernel prints here; so where no
  /// line has both, one line with the inode alone will do. The answer only serves a message.
  static func holder(
    ofInode inode: UInt64, major: UInt32, minor: UInt32, in table: String
  ) -> Int32? {
    var sameInode: Int32?
    for line in table.split(separator: "\n") {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      guard fields.count >= 6, fields[1] == "FLOCK", let process = Int32(fields[4]), process > 0
      else { continue }
      let place = fields[5].split(separator: ":")
      guard place.count == 3, UInt64(place[2]) == inode else { continue }
      if UInt32(place[0], radix: 16) == major, UInt32(place[1], radix: 16) == minor {
        return process
      }
      sameInode = sameInode ?? process
    }
    return sameInode
  }
}
