// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// A durable map as a store has it, to be read by programs that do not have its types.
///
/// Reads a snapshot: of a map that is open in this process it shows the state of the last checkpoint.
public struct StoredMap: Sendable {
  /// The name of the map.
  public let name: String
  /// The type of its keys.
  public let keyType: StoredType
  /// The type of its values.
  public let valueType: StoredType
  /// The names of both types in the store.
  public let typeNames: (key: String, value: String)

  /// One entry, as bytes of the types.
  public struct Entry: Sendable, Equatable {
    /// The key.
    public let key: [UInt8]
    /// The value.
    public let value: [UInt8]
    /// When it expires, in milliseconds since 1970; `nil` for never.
    public let expiry: UInt64?
  }

  /// The maps of a store, in the order of their names.
  ///
  /// - Throws: `.damaged`, `.unsupportedVersion`, `.engine`.
  public static func all(in view: Snapshot) throws(DurableMapError) -> [StoredMap] {
    let names = try DurableMapError.wrapping { () throws(EngineError) in
      try MapCatalog.names(in: view)
    }
    var maps: [StoredMap] = []
    for name in names {
      guard let entry = try MapCatalog.entry(of: name, in: view) else { continue }
      maps.append(
        StoredMap(
          name: name, keyType: StoredType(entry.keyType), valueType: StoredType(entry.valueType),
          typeNames: (entry.keyType, entry.valueType)))
    }
    return maps
  }

  /// Calls `body` with each entry, in the order of the stored keys, until it returns false.
  ///
  /// Those that have expired but were not removed yet are among them.
  ///
  /// - Throws: What `body` throws; `DurableMapError`.
  public func visit(in view: Snapshot, _ body: (Entry) throws -> Bool) throws {
    guard let tree = try view.tree(named: MapCatalog.treeName(name)) else {
      throw DurableMapError.damaged(map: name, problem: "it has no tree")
    }
    let cursor = try view.cursor(in: tree)
    while try cursor.next() {
      // The parts of long entries come last; they are read with their heads.
      if cursor.key.first == StoredForm.Mark.part {
        try checkPart(cursor.key)
        continue
      }
      guard try body(try entry(cursor.key, try cursor.value(), tree, view)) else { return }
    }
  }

  /// The entry of a key, if there is one.
  ///
  /// - Throws: `DurableMapError`.
  public func entry(forKey key: [UInt8], in view: Snapshot) throws -> Entry? {
    guard key.count <= StoredForm.longestPlainKey else {
      var found: Entry?
      try visit(in: view) { entry in
        if entry.key == key { found = entry }
        return found == nil
      }
      return found
    }
    guard let tree = try view.tree(named: MapCatalog.treeName(name)) else { return nil }
    let stored = [StoredForm.Mark.plain] + key
    guard let value = try view.value(forKey: stored, in: tree) else { return nil }
    return try entry(stored, value, tree, view)
  }

  private func entry(
    _ key: [UInt8], _ value: [UInt8], _ tree: TreeID, _ view: Snapshot
  ) throws -> Entry {
    let (keySpan, valueSpan) = (key.span, value.span)
    let isLong = key.first == StoredForm.Mark.long
    guard isLong || key.first == StoredForm.Mark.plain else { throw damage("an unknown key") }
    guard let flags = StoredFlags(of: valueSpan) else { throw damage("an unknown value") }
    let expiry = flags.contains(.expires) ? valueSpan.load(bigEndian: UInt64.self, at: 1) : nil
    guard isLong || flags.contains(.inParts) else {
      return Entry(
        key: Array(key.dropFirst()), value: Array(value.dropFirst(flags.prefixBytes)),
        expiry: expiry)
    }
    guard let head = PartsHead(stored: valueSpan), head.isOf(keySpan) else {
      throw damage("an unknown value")
    }
    let bytes = try parts(of: head, tree, view)
    return Entry(
      key: isLong ? Array(bytes.prefix(head.keyCount)) : Array(key.dropFirst()),
      value: Array(bytes.dropFirst(head.keyCount)), expiry: expiry)
  }

  /// The bytes of an entry in parts.
  private func parts(of head: PartsHead, _ tree: TreeID, _ view: Snapshot) throws -> [UInt8] {
    try checkNumber(head.number)
    var bytes: [UInt8] = []
    for index in 0..<PartsHead.partCount(head.byteCount) {
      let key = PartsHead.partKey(head.number, index)
      guard let piece = try view.value(forKey: key, in: tree),
        piece.count == head.byteCount(ofPart: index)
      else { throw damage("a part is missing, or has another length") }
      bytes += piece
    }
    return bytes
  }

  private func checkPart(_ key: [UInt8]) throws {
    guard let number = PartsHead.number(partKey: key.span) else { throw damage("an unknown part") }
    try checkNumber(number)
  }

  private func checkNumber(_ number: UInt64) throws {
    guard number < PartNumbers.limit else {
      throw damage("parts have a number that no map counts to")
    }
  }

  private func damage(_ problem: String) -> DurableMapError {
    .damaged(map: name, problem: problem)
  }
}
