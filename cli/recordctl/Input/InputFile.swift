// SPDX-License-Identifier: Apache-2.0

/// A file to be read from its beginning to its end, or standard input where `-` is given.
///
/// Reading stops with a failure as soon as the user interrupts, also while nothing comes.
final class InputFile {
  /// The name for messages.
  let name: String
  private let descriptor: Descriptor
  private let byteCount: UInt64?
  private let interruption: Interruption
  private var offset: UInt64 = 0

  init(_ path: String, _ interruption: Interruption) throws(FileFailure) {
    descriptor = path == "-" ? .input : try Descriptor.reading(path)
    name = descriptor.path
    byteCount = descriptor.byteCount
    self.interruption = interruption
  }

  deinit {
    if descriptor.number != Descriptor.input.number { descriptor.close() }
  }

  /// How much of the file is behind; nil where its end is not known.
  var fraction: Double? { fraction(ofBytes: offset) }

  /// How much of the file so many bytes are.
  func fraction(ofBytes bytes: UInt64) -> Double? {
    guard let byteCount, byteCount > 0 else { return nil }
    return Double(bytes) / Double(byteCount)
  }

  /// Whether another `InputFile` of the same path would give the same bytes.
  var canBeReadAgain: Bool {
    byteCount != nil && descriptor.number != Descriptor.input.number
  }

  /// Returns the next bytes, at most `count` of them; none at the end.
  func read(upTo count: Int) throws -> [UInt8] {
    try interruption.check()
    if byteCount == nil, try !descriptor.awaitInput(or: interruption.wake) {
      try interruption.check()
    }
    let bytes = try descriptor.read(upTo: count)
    offset += UInt64(bytes.count)
    return bytes
  }

  /// Returns all bytes, of which there may be at most `limit`.
  func readAll(limit: Int) throws -> [UInt8] {
    var all: [UInt8] = []
    while case let bytes = try read(upTo: 1 << 16), !bytes.isEmpty {
      all += bytes
      guard all.count <= limit else {
        throw Failure(.failure, "\(name) has more than \(limit) bytes")
      }
    }
    return all
  }
}
