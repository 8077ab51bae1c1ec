// SPDX-License-Identifier: Apache-2.0

/// The bytes of a value while it is being encoded.
///
/// Containers are written as they come; the length in front of each is filled in when the next
/// thing outside of it is written. Only the thread that encodes knows it, so that its fields need no
/// checks of exclusive access, which took a quarter of the time.
final class BinaryWriter {
  private struct Frame {
    /// Where the four bytes of its length are.
    let lengthOffset: Int
    let serial: Int
    let tag: BinaryTag
    /// Where the hashes of the names of its fields begin.
    let firstName: Int
    /// Whether two fields may have one name.
    var mayHaveNameTwice = false
  }

  /// Names are compared by their hashes up to so many in a container.
  private static let mostComparedNames = 32

  @safe @exclusivity(unchecked) private var bytes: [UInt8]
  @safe @exclusivity(unchecked) private var frames = ShortStack(
    placeholder: Frame(lengthOffset: 0, serial: -1, tag: .null, firstName: 0))
  @safe @exclusivity(unchecked) private var nextSerial = 0
  /// Hashes of the names of fields in open containers.
  @safe @exclusivity(unchecked) private var names = ShortStack<UInt64>(placeholder: 0)
  /// Where a value must begin, because its name was written: what does not come is `nil`.
  @safe @exclusivity(unchecked) private var awaitedValue: Int?
  @safe @exclusivity(unchecked) private(set) var failure: BinaryCodingError?
  let isCanonical: Bool
  let depthLimit: Int
  /// How many values that are written by themselves are around the place.
  @safe @exclusivity(unchecked) private var composites: Int

  init(_ bytes: [UInt8], isCanonical: Bool, depthLimit: Int, depth: Int = 0) {
    self.bytes = bytes
    self.isCanonical = isCanonical
    self.depthLimit = depthLimit
    composites = depth
  }

  /// How many values and containers are around the place, counted as the decoder does.
  var depth: Int { composites + frames.count }

  func takeBytes() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  var count: Int { bytes.count }
  /// How many containers are open.
  var level: Int { frames.count }

  func fail(_ error: BinaryCodingError) {
    if failure == nil { failure = error }
  }

  // MARK: Values

  /// Writes any value.
  @inline(__always)
  func write<T: Encodable>(_ value: T) throws {
    if let element = value as? any BinaryElement { return try element.write(to: self) }
    try writeComposite(value)
  }

  /// Writes a value that is no element.
  func writeComposite(_ value: some Encodable) throws {
    composites += 1
    defer { composites -= 1 }
    checkDepth()
    if let failure { throw failure }
    let (start, level) = (bytes.count, frames.count)
    try value.encode(to: BinaryEncoding(writer: self, level: level, start: start))
    close(to: level)
    // A type without content.
    if bytes.count == start {
      begin(.fields)
      close(to: level)
    }
    if let failure { throw failure }
  }

  /// Writes a container with what `body` writes.
  func container(_ tag: BinaryTag, _ body: () throws -> Void) throws {
    let level = frames.count
    begin(tag)
    if let failure { throw failure }
    try body()
    close(to: level)
  }

  private func checkDepth() {
    if depth > depthLimit { fail(.tooDeep(limit: depthLimit)) }
  }

  @inline(__always)
  func tag(_ tag: BinaryTag) { bytes.append(tag.rawValue) }

  @inline(__always)
  func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  @inline(__always)
  func raw(_ word: some FixedWidthInteger) {
    var rest = word
    for _ in 0..<word.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  func text(_ text: String) {
    varint(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// Writes the name of a field of the last container.
  func name(_ name: String) {
    let start = bytes.count
    text(name)
    let last = frames.count - 1
    guard last >= 0 else { return }
    let first = frames[last].firstName
    guard names.count - first < Self.mostComparedNames else {
      return frames[last].mayHaveNameTwice = true
    }
    // FNV-1a.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for place in start..<bytes.count { hash = (hash ^ UInt64(bytes[place])) &* 0x100_0000_01B3 }
    for place in first..<names.count where names[place] == hash {
      frames[last].mayHaveNameTwice = true
    }
    names.append(hash)
  }

  func raw(contentsOf content: [UInt8]) { bytes.append(contentsOf: content) }

  // MARK: Containers

  /// Opens a container and returns its serial number.
  @discardableResult
  func begin(_ tag: BinaryTag) -> Int {
    awaitedValue = nil
    self.tag(tag)
    frames.append(
      Frame(
        lengthOffset: bytes.count, serial: nextSerial, tag: tag, firstName: names.count))
    for _ in 0..<4 { bytes.append(0) }
    nextSerial += 1
    checkDepth()
    return nextSerial - 1
  }

  /// The container that is open at a level, if it is of that sort.
  func container(at level: Int, _ tag: BinaryTag) -> Int? {
    guard level < frames.count, frames[level].tag == tag else { return nil }
    return frames[level].serial
  }

  /// Ends all containers above a level.
  func close(to level: Int) {
    fillAwaited()
    while frames.count > level {
      let frame = frames[frames.count - 1]
      frames.shorten(to: frames.count - 1)
      names.shorten(to: frame.firstName)
      if frame.mayHaveNameTwice { checkNames(from: frame.lengthOffset + 4) }
      if isCanonical, frame.tag == .fields { sortFields(from: frame.lengthOffset + 4) }
      let length = bytes.count - frame.lengthOffset - 4
      guard let word = UInt32(exactly: length) else { return fail(.tooLong) }
      for place in 0..<4 {
        bytes[frame.lengthOffset + place] = UInt8(truncatingIfNeeded: word >> (8 * UInt32(place)))
      }
    }
  }

  /// Refuses two fields of one name: a reader could not tell which counts.
  private func checkNames(from start: Int) {
    var seen: Set<ArraySlice<UInt8>> = []
    for field in fields(from: start) where !seen.insert(bytes[field.name]).inserted {
      fail(.fieldTwice(name: String(decoding: bytes[field.name], as: UTF8.self)))
    }
  }

  /// Puts the fields of the last container in the order of their names.
  ///
  /// They come in the order of a dictionary where a type hands one on to its encoder.
  private func sortFields(from start: Int) {
    let fields = fields(from: start)
    let isSorted = zip(fields, fields.dropFirst()).allSatisfy { !precedes($1, $0) }
    if isSorted { return }
    var sorted: [UInt8] = []
    sorted.reserveCapacity(bytes.count - start)
    for field in fields.sorted(by: precedes) { sorted.append(contentsOf: bytes[field.all]) }
    bytes.replaceSubrange(start..., with: sorted)
  }

  private typealias Field = (name: Range<Int>, all: Range<Int>)

  private func precedes(_ left: Field, _ right: Field) -> Bool {
    bytes[left.name].lexicographicallyPrecedes(bytes[right.name])
  }

  /// Where the names and the fields are that were written since a place.
  private func fields(from start: Int) -> [Field] {
    let source = BinarySource(bytes[start...], depthLimit: depthLimit)
    var cursor = BinaryCursor(source: source, offset: start, end: bytes.count, depth: 0)
    var fields: [Field] = []
    while !cursor.isAtEnd {
      let begin = cursor.offset
      guard let name = try? cursor.readBytes(), (try? cursor.skip()) != nil else {
        // Too long, or written to in the wrong order, which is told elsewhere.
        fail(.interleaved)
        return []
      }
      fields.append((name.startIndex..<name.endIndex, begin..<cursor.offset))
    }
    return fields
  }

  /// Goes on in an open container; false when it is not open any more.
  func resume(_ serial: Int, at level: Int) -> Bool {
    guard level < frames.count, frames[level].serial == serial else {
      fail(.interleaved)
      return false
    }
    close(to: level + 1)
    return true
  }

  /// Expects a value to begin here.
  func awaitValue() { awaitedValue = bytes.count }

  private func fillAwaited() {
    if awaitedValue == bytes.count { tag(.null) }
    awaitedValue = nil
  }
}
