// SPDX-License-Identifier: Apache-2.0

import CStorageSystem
import Glibc

/// The names of files: what restoring needs besides the engine.
enum FileNames {
  /// Throws when there is anything at `path`, be it a broken link.
  static func checkAbsent(_ path: String) throws(SnapshotError) {
    var status = stat()
    guard unsafe lstat(path, &status) != 0 else { throw .alreadyExists(path: path) }
    let number = errno
    guard number == ENOENT else { throw failure(path, number) }
  }

  /// Gives a file another name, which nothing may have, and makes that durable.
  ///
  /// A crash leaves it one of both names, as far as the file system can do that.
  static func publish(_ path: String, as target: String) throws(SnapshotError) {
    let result = unsafe storage_rename_without_replacing(path, target)
    switch -result {
    case 0: break
    case EEXIST: throw .alreadyExists(path: target)
    case EINVAL, ENOSYS: try publishByLink(path, as: target)
    default: throw failure(target, -result)
    }
    try flushDirectory(of: target)
  }

  /// A link fails when the name is taken; a common rename would replace what is there.
  private static func publishByLink(
    _ path: String, as target: String
  ) throws(SnapshotError) {
    guard unsafe link(path, target) == 0 else {
      let number = errno
      throw number == EEXIST ? .alreadyExists(path: target) : failure(target, number)
    }
    remove(path)
  }

  /// Removes a file, if it is there and can be removed.
  static func remove(_ path: String) {
    _ = unsafe unlink(path)
  }

  private static func flushDirectory(of path: String) throws(SnapshotError) {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let descriptor = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(directory, errno) }
    let result = fsync(descriptor)
    let number = errno
    _ = Glibc.close(descriptor)
    guard result == 0 else { throw failure(directory, number) }
  }

  private static func failure(_ path: String, _ number: Int32) -> SnapshotError {
    guard let text = unsafe strerror(number) else {
      return .file(path: path, problem: "error \(number)")
    }
    return .file(path: path, problem: unsafe String(cString: text))
  }
}
