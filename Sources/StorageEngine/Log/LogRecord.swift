// SPDX-License-Identifier: Apache-2.0

/// One transaction in the log, as tabled in docs/FORMAT.md, section 1.7: a header, tree
/// operations in order, then key operations in ascending order of tree and key.
enum LogRecord {
  /// UInt32 bytes of the record, UInt8 kind, three zero bytes, UInt64 LSN, UInt32 tree operations.
  static let headerBytes = 20
  static let kindCommit: UInt8 = 1
  /// A commit of which some changes were written to runs of pages: between the tree operations and
  /// the key operations it names them.
  static let kindSpilledCommit: UInt8 = 2

  enum TreeOperation: UInt8 {
    case create = 1
    case drop = 2
  }

  /// UInt8 operation, zero byte, UInt16 name length, UInt32 tree, then the name.
  static let treeOperationHeaderBytes = 8

  enum KeyOperation: UInt8 {
    /// The value follows.
    case put = 1
    /// The value was written to runs of pages; their description follows.
    case putDirect = 2
    case delete = 3
  }

  /// UInt8 operation, zero byte, UInt16 key length, UInt32 tree, UInt32 value length, then key
  /// and value.
  static let keyOperationHeaderBytes = 12
}

/// One change of a key, wherever its bytes are.
struct KeyChange: BitwiseCopyable {
  var operation: LogRecord.KeyOperation
  var tree: UInt32
  var key: Bytes
  var value: Bytes
}

/// The form of the log, see `LogRecord.keyOperationHeaderBytes`.
extension KeyChange {
  /// Bytes of the record.
  @inline(__always)
  var recordBytes: Int { LogRecord.keyOperationHeaderBytes + key.count + value.count }

  /// Writes the record.
  @inline(__always)
  func encode(to record: PageView) {
    record.store8(operation.rawValue, 0)
    record.store8(0, 1)
    record.store16(key.count, 2)
    record.store32(tree, 4)
    record.store32(UInt32(value.count), 8)
    record.copy(key, to: LogRecord.keyOperationHeaderBytes)
    record.copy(value, to: LogRecord.keyOperationHeaderBytes + key.count)
  }

  /// The change that `encode` has written; whatever lies behind its record does not matter.
  @inline(__always)
  init(record: Bytes) {
    // Nobody else wrote it, so it is one of them.
    operation = LogRecord.KeyOperation(rawValue: record[0]) ?? .put
    tree = record.load(4, as: UInt32.self)
    key = Self.key(ofRecord: record)
    let length = Int(record.load(8, as: UInt32.self))
    value = record.dropFirst(LogRecord.keyOperationHeaderBytes + key.count).prefix(length)
  }

  /// The key of such a record.
  @inline(__always)
  static func key(ofRecord record: Bytes) -> Bytes {
    let length = Int(record.load(2, as: UInt16.self))
    return record.dropFirst(LogRecord.keyOperationHeaderBytes).prefix(length)
  }
}

/// One change of the set of trees.
enum TreeChange: Equatable {
  case create(id: UInt32, name: String)
  case drop(id: UInt32)
}

extension TreeChange {
  /// The tree that is dropped, if so.
  var droppedTree: UInt32? { if case .drop(let id) = self { id } else { nil } }

  /// The name of a tree that is to be created; `nil` for one that cannot be.
  static func validName(_ bytes: [UInt8], of tree: UInt32) -> String? {
    guard tree > 0, tree < .max, (1...Catalog.maximumNameBytes).contains(bytes.count) else {
      return nil
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

extension LogBuffer {
  /// Appends a transaction.
  func append(
    lsn: UInt64, trees: [TreeChange], spilled: [SpilledSet] = [],
    changes: some Sequence<KeyChange>
  ) {
    append(lsn: lsn, trees: trees, spilled: spilled) { for change in changes { append(change) } }
  }

  /// Appends a transaction; returns where its key operations are.
  func append(
    lsn: UInt64, trees: [TreeChange], spilled: [SpilledSet], sorted changes: SortedChanges
  ) -> Range<Int> {
    var first = 0
    append(lsn: lsn, trees: trees, spilled: spilled) {
      first = count
      changes.forEachRecord { append($0) }
    }
    return first..<count
  }

  /// Appends a transaction of key operations alone, which `keyOperations` appends in order.
  @inline(__always)
  func appendCommit(lsn: UInt64, keyOperations: () -> Void) {
    let start = count
    appendHeader(lsn: lsn, kind: LogRecord.kindCommit, trees: 0)
    keyOperations()
    overwrite(UInt32(clamping: count - start), at: start)
  }

  private func appendHeader(lsn: UInt64, kind: UInt8, trees: Int) {
    appendInteger(UInt32(0))
    appendInteger(kind)
    appendInteger(UInt8(0))
    appendInteger(UInt16(0))
    appendInteger(lsn)
    appendInteger(UInt32(trees))
  }

  private func append(
    lsn: UInt64, trees: [TreeChange], spilled: [SpilledSet], keyOperations: () -> Void
  ) {
    let start = count
    let kind = spilled.isEmpty ? LogRecord.kindCommit : LogRecord.kindSpilledCommit
    appendHeader(lsn: lsn, kind: kind, trees: trees.count)
    for tree in trees { append(tree) }
    if !spilled.isEmpty { append(spilled) }
    keyOperations()
    overwrite(UInt32(clamping: count - start), at: start)
  }

  private func append(_ spilled: [SpilledSet]) {
    appendInteger(UInt32(spilled.count))
    for set in spilled {
      appendInteger(UInt32(set.blocks.count))
      for block in set.blocks {
        let value = block.value.encoded
        appendInteger(block.tree)
        appendInteger(UInt16(block.key.count))
        appendInteger(UInt16(value.count))
        block.key.withBytes { append($0) }
        value.withBytes { append($0) }
      }
    }
  }

  private func append(_ change: TreeChange) {
    switch change {
    case .create(let id, let name):
      let bytes = Array(name.utf8)
      appendInteger(LogRecord.TreeOperation.create.rawValue)
      appendInteger(UInt8(0))
      appendInteger(UInt16(bytes.count))
      appendInteger(id)
      bytes.withBytes { append($0) }
    case .drop(let id):
      appendInteger(LogRecord.TreeOperation.drop.rawValue)
      appendInteger(UInt8(0))
      appendInteger(UInt16(0))
      appendInteger(id)
    }
  }
}

/// Reads the transactions of a group.
///
/// Any malformed byte ends it with a description.
struct LogRecordReader {
  struct Malformed: Error {
    let offset: Int
    let problem: String
  }

  struct Transaction {
    let lsn: UInt64
    let trees: [TreeChange]
    let spilled: [SpilledSet]
    /// In the log's bytes, which must outlive this.
    let changes: [KeyChange]
  }

  private let bytes: Bytes
  private var offset = 0

  init(_ bytes: Bytes) {
    self.bytes = bytes
  }

  /// The next transaction, or `nil` at the end.
  mutating func next() throws(Malformed) -> Transaction? {
    if offset == bytes.count { return nil }
    guard bytes.count - offset >= LogRecord.headerBytes else { throw malformed("a cut header") }
    let length = Int(bytes.load(offset, as: UInt32.self))
    guard length >= LogRecord.headerBytes, length <= bytes.count - offset else {
      throw malformed("a record of \(length) bytes")
    }
    let kind = bytes[offset + 4]
    guard kind == LogRecord.kindCommit || kind == LogRecord.kindSpilledCommit else {
      throw malformed("a record of the unknown kind \(kind)")
    }
    let end = offset + length
    let lsn = bytes.load(offset + 8, as: UInt64.self)
    let treeCount = Int(bytes.load(offset + 16, as: UInt32.self))
    offset += LogRecord.headerBytes
    guard treeCount <= length else { throw malformed("\(treeCount) tree operations") }
    var trees: [TreeChange] = []
    for _ in 0..<treeCount { trees.append(try treeChange(end)) }
    let spilled = kind == LogRecord.kindSpilledCommit ? try spilledSets(end) : []
    var changes: [KeyChange] = []
    while offset < end { changes.append(try keyChange(end)) }
    return Transaction(lsn: lsn, trees: trees, spilled: spilled, changes: changes)
  }

  /// The next change of a block that holds nothing else, or `nil` at the end.
  mutating func nextChange() throws(Malformed) -> KeyChange? {
    offset < bytes.count ? try keyChange(bytes.count) : nil
  }

  private mutating func spilledSets(_ end: Int) throws(Malformed) -> [SpilledSet] {
    var sets: [SpilledSet] = []
    for _ in 0..<(try count(end)) {
      var set = SpilledSet()
      for _ in 0..<(try count(end)) { set.blocks.append(try spilledBlock(end)) }
      sets.append(set)
    }
    return sets
  }

  private mutating func count(_ end: Int) throws(Malformed) -> UInt32 {
    guard end - offset >= 4 else { throw malformed("a cut count") }
    defer { offset += 4 }
    return bytes.load(offset, as: UInt32.self)
  }

  private mutating func spilledBlock(_ end: Int) throws(Malformed) -> SpilledBlock {
    guard end - offset >= 8 else { throw malformed("a cut block of changes") }
    let tree = bytes.load(offset, as: UInt32.self)
    let keyLength = Int(bytes.load(offset + 4, as: UInt16.self))
    let valueLength = Int(bytes.load(offset + 6, as: UInt16.self))
    offset += 8
    guard keyLength + valueLength <= end - offset,
      let value = DirectValue(bytes.dropFirst(offset + keyLength).prefix(valueLength))
    else { throw malformed("a malformed block of changes") }
    let key = bytes.dropFirst(offset).prefix(keyLength).array
    offset += keyLength + valueLength
    return SpilledBlock(value: value, tree: tree, key: key)
  }

  private mutating func treeChange(_ end: Int) throws(Malformed) -> TreeChange {
    guard end - offset >= LogRecord.treeOperationHeaderBytes else {
      throw malformed("a cut tree operation")
    }
    let operation = LogRecord.TreeOperation(rawValue: bytes[offset])
    let length = Int(bytes.load(offset + 2, as: UInt16.self))
    let id = bytes.load(offset + 4, as: UInt32.self)
    offset += LogRecord.treeOperationHeaderBytes
    guard length <= end - offset else { throw malformed("a cut tree name") }
    let name = bytes.dropFirst(offset).prefix(length).array
    offset += length
    switch operation {
    case .create:
      guard let name = TreeChange.validName(name, of: id) else {
        throw malformed("a tree that cannot be made")
      }
      return .create(id: id, name: name)
    case .drop: return .drop(id: id)
    case nil: throw malformed("an unknown tree operation")
    }
  }

  private mutating func keyChange(_ end: Int) throws(Malformed) -> KeyChange {
    guard end - offset >= LogRecord.keyOperationHeaderBytes,
      let operation = LogRecord.KeyOperation(rawValue: bytes[offset])
    else { throw malformed("an unknown key operation") }
    let keyLength = Int(bytes.load(offset + 2, as: UInt16.self))
    let tree = bytes.load(offset + 4, as: UInt32.self)
    let valueLength = Int(bytes.load(offset + 8, as: UInt32.self))
    offset += LogRecord.keyOperationHeaderBytes
    guard keyLength > 0, keyLength <= PageGeometry.maximumKeyBytes,
      valueLength <= (operation == .delete ? 0 : PageGeometry.directValueBytes),
      keyLength + valueLength <= end - offset
    else { throw malformed("a key operation of \(keyLength) and \(valueLength) bytes") }
    let key = bytes.dropFirst(offset).prefix(keyLength)
    let value = bytes.dropFirst(offset + keyLength).prefix(valueLength)
    offset += keyLength + valueLength
    return KeyChange(operation: operation, tree: tree, key: key, value: value)
  }

  private func malformed(_ problem: String) -> Malformed {
    Malformed(offset: offset, problem: problem)
  }
}
