// SPDX-License-Identifier: Apache-2.0

/// Where data goes: standard output, or a file that appears under its name only when complete.
final class OutputFile {
  /// Bytes gathered before they are written.
  private static let chunkBytes = 1 << 16

  private let descriptor: Descriptor
  /// The name the file gets at the end; nil where bytes go straight to their place.
  private let target: String?
  private var pending: [UInt8] = []
  private var isOpen = true

  /// Standard output.
  init() {
    descriptor = .output
    target = nil
  }

  /// A file, in place of any of that name; `-` is standard output.
  ///
  /// What is not an ordinary file, such as a device or a named pipe, is written to as it is. A
  /// private file is for its owner's eyes, as the store is.
  init(path: String?, isPrivate: Bool = false) throws(FileFailure) {
    guard let path, path != "-" else {
      descriptor = .output
      target = nil
      return
    }
    guard FileNames.isFileOrAbsent(path) else {
      descriptor = try Descriptor.writing(path)
      target = nil
      return
    }
    let partial = path + ".partial"
    FileNames.remove(partial)
    descriptor = try Descriptor.creating(partial, isPrivate: isPrivate)
    target = path
  }

  /// A private file that must not exist yet; `-` is standard output.
  convenience init(newPath path: String) throws {
    guard path == "-" || !FileNames.exists(path) else {
      throw Failure(
        .failure, "\(path) exists already", hint: "another path, or move that file away first")
    }
    try self.init(path: path, isPrivate: true)
  }

  /// Whether it is the process's standard output.
  var isStandardOutput: Bool { descriptor.number == Descriptor.output.number }

  deinit { discard() }

  /// Adds bytes.
  func write(_ bytes: some Collection<UInt8>) throws(FileFailure) {
    pending.append(contentsOf: bytes)
    if pending.count >= Self.chunkBytes { try drain() }
  }

  /// Adds a line.
  func writeLine(_ line: String) throws(FileFailure) {
    try write(line.utf8)
    try write(CollectionOfOne(UInt8(ascii: "\n")))
  }

  /// Writes what is gathered.
  func drain() throws(FileFailure) {
    guard !pending.isEmpty else { return }
    try descriptor.write(pending)
    pending.removeAll(keepingCapacity: true)
  }

  /// Completes the output: what is gathered is written, and a file is flushed and gets its name.
  func finish() throws(FileFailure) {
    try drain()
    guard let target, isOpen else { return }
    try descriptor.flush()
    descriptor.close()
    isOpen = false
    try FileNames.rename(target + ".partial", to: target)
  }

  private func discard() {
    guard let target, isOpen else { return }
    descriptor.close()
    FileNames.remove(target + ".partial")
  }
}
