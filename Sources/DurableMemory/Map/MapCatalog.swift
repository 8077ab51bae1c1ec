// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// The maps of a store, with the types of their keys and values.
enum MapCatalog {
  static let tree = "memory/catalog"
  private static let keyPrefix = "map/"
  private static let treePrefix = "memory/map/"
  /// The version of what maps write.
  static let version: UInt8 = 1
  /// Bytes of a map's name: those of a tree's, less the prefix.
  static let longestName = 255 - treePrefix.utf8.count
  static let longestType = 255

  static func treeName(_ map: String) -> String { treePrefix + map }

  private static func key(_ map: String) -> [UInt8] { Array((keyPrefix + map).utf8) }

  /// The names of the maps in a store, in the order of their bytes.
  static func names(in view: some TreeReader) throws(EngineError) -> [String] {
    guard let tree = try view.tree(named: tree) else { return [] }
    let cursor = try view.cursor(in: tree, range: .prefix(Array(keyPrefix.utf8)))
    var names: [String] = []
    while try cursor.next() {
      names.append(String(decoding: cursor.key.dropFirst(keyPrefix.utf8.count), as: UTF8.self))
    }
    return names
  }

  /// The entry of a map; `nil` when there is no such map.
  ///
  /// Where there is only its tree, that is damage, as both are made and removed in one transaction:
  /// nothing says then of which types the entries are, and there is no such map for who adopts them.
  static func entry(
    of map: String, in view: some TreeReader, adopting: Bool = false
  ) throws(DurableMapError) -> MapEntry? {
    let (value, hasTree) = try DurableMapError.wrapping { () throws(EngineError) in
      (try storedEntry(of: map, in: view), try view.tree(named: treeName(map)) != nil)
    }
    guard let value else {
      if hasTree, !adopting { throw .damaged(map: map, problem: "it has no entry in the catalog") }
      return nil
    }
    guard let entry = MapEntry(value) else {
      guard let version = value.first, version > Self.version else {
        throw .damaged(map: map, problem: "its entry in the catalog is none")
      }
      throw .unsupportedVersion(map: map, found: version, supported: Self.version)
    }
    return entry
  }

  private static func storedEntry(
    of map: String, in view: some TreeReader
  ) throws(EngineError) -> [UInt8]? {
    guard let tree = try view.tree(named: tree) else { return nil }
    return try view.value(forKey: key(map), in: tree)
  }

  /// Notes a new map and makes its tree, unless there is one to be adopted.
  static func create(
    _ map: String, _ entry: MapEntry, in transaction: WriteTransaction
  ) throws(EngineError) {
    let found = try transaction.tree(named: tree)
    let catalog = if let found { found } else { try transaction.createTree(named: tree) }
    try transaction.put(entry.stored, forKey: key(map), in: catalog)
    if try transaction.tree(named: treeName(map)) == nil {
      _ = try transaction.createTree(named: treeName(map))
    }
  }

  /// Forgets a map and drops its tree, whichever of both is there; false when there was neither.
  static func remove(_ map: String, in transaction: WriteTransaction) throws(EngineError) -> Bool {
    let isNoted = try storedEntry(of: map, in: transaction) != nil
    if isNoted, let catalog = try transaction.tree(named: tree) {
      try transaction.delete(key(map), in: catalog)
    }
    guard let tree = try transaction.tree(named: treeName(map)) else { return isNoted }
    try transaction.dropTree(tree)
    return true
  }
}

/// What the catalog says of a map: the version, the names of the types, each with its length ahead,
/// and what the names of long keys depend on.
struct MapEntry: Equatable {
  let keyType: String
  let valueType: String
  let secret: LongKeySecret

  /// That of a new map.
  init(keyType: String, valueType: String) {
    self.keyType = keyType
    self.valueType = valueType
    secret = LongKeySecret()
  }

  /// The bytes of the entry.
  var stored: [UInt8] {
    [MapCatalog.version] + Self.stored(keyType) + Self.stored(valueType) + secret.stored
  }

  private static func stored(_ type: String) -> [UInt8] {
    [UInt8(truncatingIfNeeded: type.utf8.count)] + type.utf8
  }

  /// Reads an entry; `nil` for what is none of this version.
  init?(_ value: [UInt8]) {
    guard value.first == MapCatalog.version else { return nil }
    var rest = value.dropFirst()
    guard let key = Self.take(&rest), let value = Self.take(&rest),
      let secret = LongKeySecret(rest)
    else { return nil }
    (keyType, valueType, self.secret) = (key, value, secret)
  }

  private static func take(_ bytes: inout ArraySlice<UInt8>) -> String? {
    guard let count = bytes.popFirst(), bytes.count >= Int(count) else { return nil }
    defer { bytes = bytes.dropFirst(Int(count)) }
    return String(validating: bytes.prefix(Int(count)), as: UTF8.self)
  }

  /// Refuses other types than those of a map in the store: names in other bytes.
  func check(_ stored: MapEntry, map: String) throws(DurableMapError) {
    guard stored.keyType.utf8.elementsEqual(keyType.utf8) else {
      throw .typeMismatch(map: map, role: .key, stored: stored.keyType, asked: keyType)
    }
    guard stored.valueType.utf8.elementsEqual(valueType.utf8) else {
      throw .typeMismatch(map: map, role: .value, stored: stored.valueType, asked: valueType)
    }
  }
}
