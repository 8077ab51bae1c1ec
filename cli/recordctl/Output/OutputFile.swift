// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// Where data goes: standard output, or a file that appears under its name only when complete.
final class OutputFile {
  /// Bytes gathered before they are written.
  private static let chunkBytes = 1 << 16

  private let descriptor: Descriptor
  /// The name the file has until then, and the one it gets at the end; nil where bytes go straight
  /// to their place.
  private let names: (partial: String, target: String)?
  /// Whether its reader may go away when it has seen enough.
  private let mayBeCut: Bool
  private var pending: [UInt8] = []
  private var isOpen = true

  /// Standard output, whose reader may go away when it has seen enough.
  init() {
    descriptor = .output
    names = nil
    mayBeCut = true
  }

  /// A file, in place of any of that name; `-` is standard output.
  ///
  /// What is not an ordinary file, such as a device or a named pipe, is written to as it is. A
  /// private file is for its owner's eyes, as the store is.
  init(
    path: String?, isPrivate: Bool = false, mayBeCut: Bool = false
  ) throws {
    self.mayBeCut = mayBeCut
    guard let path, path != "-" else {
      descriptor = .output
      names = nil
      return
    }
    guard FileNames.isFileOrAbsent(path) else {
      descriptor = try Descriptor.writing(path)
      names = nil
      return
    }
    guard try !Self.isStore(path) else {
      throw Failure(.failure, "\(path) is a store, and is not replaced", hint: "another file")
    }
    let suffix = String(UInt32.random(in: .min ... .max), radix: 16)
    let partial = "\(path).partial-\(suffix)"
    descriptor = try Descriptor.creating(partial, isPrivate: isPrivate)
    names = (partial, path)
  }

  private static func isStore(_ path: String) throws(FileFailure) -> Bool {
    guard FileNames.exists(path) else { return false }
    let file = try Descriptor.reading(path)
    defer { file.close() }
    return Database.isStore(beginning: try file.read(upTo: Database.recognitionBytes))
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
    do throws(FileFailure) {
      try descriptor.write(pending)
    } catch {
      throw mayBeCut && error.isReaderGone ? FileFailure.readerHasSeenEnough : error
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// Completes the output: what is gathered is written, and a file is flushed and gets its name.
  func finish() throws(FileFailure) {
    try drain()
    guard let names, isOpen else { return }
    try descriptor.flush()
    descriptor.close()
    isOpen = false
    try FileNames.rename(names.partial, to: names.target)
  }

  private func discard() {
    guard let names, isOpen else { return }
    descriptor.close()
    FileNames.remove(names.partial)
  }
}
