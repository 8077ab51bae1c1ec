// SPDX-License-Identifier: Apache-2.0

import ChangeJournal
import StorageEngine

/// Changes the records of one collection within one transaction: writes their states, and for a
/// local transaction the operations that other replicas will repeat.
struct CollectionWriter {
  /// The collection.
  let collection: String
  /// The operations written so far.
  var part = PartBuilder()
  /// How many tombstones there are more than before.
  var tombstoneChange = 0

  let trees: WriteTransaction
  /// `nil` until the collection has a record.
  private(set) var tree: TreeID?
  /// What the transaction at work has seen.
  var coverage: Coverage
  private var state = RecordState()
  var writer = StateWriter()
  private var edits: [FieldEdit] = []
  private(set) var key: [UInt8] = []
  /// The last key of the collection before and within this transaction, as far as batches know.
  var lastKey: [UInt8] = []
  var isLastKeyRead = false

  init(
    _ collection: String, in trees: WriteTransaction, coverage: Coverage
  ) throws {
    self.collection = collection
    self.trees = trees
    self.coverage = coverage
    tree = try trees.tree(named: StoreTree.records(collection))
  }

  /// Makes a record have exactly the given fields, ordered by name; returns whether that was a
  /// change.
  ///
  /// Writes the fields that differ and removes those that are there and not given. A field that
  /// is equal and has no siblings is not written; those of a deleted record always are.
  ///
  /// `isSkipped` is asked before a record that is there is changed.
  mutating func put(
    _ bytes: Span<UInt8>, key keyRange: Range<Int>, _ fields: ArraySlice<RecordBatch.Field>,
    isSkipped: () throws -> Bool = { false }
  ) throws -> Bool {
    setKey(bytes, keyRange)
    return try put(bytes, key: keyRange, fields, old: try present(), isSkipped: isSkipped)
  }

  /// The same, where the key is set and what is there is read already.
  mutating func put(
    _ bytes: Span<UInt8>, key keyRange: Range<Int>, _ fields: ArraySlice<RecordBatch.Field>,
    old: [UInt8]?, isSkipped: () throws -> Bool
  ) throws -> Bool {
    edits.removeAll(keepingCapacity: true)
    guard let old else {
      state.clear()
      for field in fields { addEdit(bytes, field.name, field.value) }
      try commitPatch(bytes, keyRange, old: [])
      return true
    }
    try read(old)
    compare(bytes, fields, old.span)
    guard !edits.isEmpty || !state.isAlive || state.isLifeContested else { return false }
    if try isSkipped() {
      part.dropEdits()
      return false
    }
    try commitPatch(bytes, keyRange, old: old)
    return true
  }

  /// Collects the edits that turn the present record into one with the given fields.
  private mutating func compare(
    _ bytes: Span<UInt8>, _ fields: ArraySlice<RecordBatch.Field>, _ old: Span<UInt8>
  ) {
    let isAlive = state.isAlive
    var present = 0
    for field in fields {
      var isEqual = false
      while present < state.fields.count {
        let order = compareTextItems(old, state.fields[present].name, bytes, field.name)
        if order > 0 { break }
        if order < 0 {
          addRemoval(of: state.fields[present], old)
        } else {
          isEqual = isAlive && isSettled(state.fields[present], old, bytes, field.value)
        }
        present += 1
      }
      if !isEqual { addEdit(bytes, field.name, field.value) }
    }
    for field in state.fields[present...] { addRemoval(of: field, old) }
  }

  /// Sets and removes some fields, ordered by name (removals have empty values), of a record that
  /// is made if there is none; returns whether that was a change.
  ///
  /// What a deleted record had does not come back.
  mutating func patch(
    _ bytes: Span<UInt8>, key keyRange: Range<Int>, _ fields: ArraySlice<RecordBatch.Field>
  ) throws -> Bool {
    setKey(bytes, keyRange)
    let old = try present()
    if let old { try read(old) }
    guard let old, state.isAlive else {
      return try put(bytes, key: keyRange, ArraySlice(fields.filter { !$0.value.isEmpty }))
    }
    edits.removeAll(keepingCapacity: true)
    for field in fields {
      let present = state.fields.first {
        compareTextItems(old.span, $0.name, bytes, field.name) == 0
      }
      if let present {
        if isSettled(present, old.span, bytes, field.value) { continue }
      } else if field.value.isEmpty {
        continue
      }
      addEdit(bytes, field.name, field.value)
    }
    guard !edits.isEmpty || state.isLifeContested else { return false }
    try commitPatch(bytes, keyRange, old: old)
    return true
  }

  /// Deletes a record; returns whether there was one.
  mutating func delete(_ bytes: Span<UInt8>, key keyRange: Range<Int>) throws -> Bool {
    setKey(bytes, keyRange)
    guard let old = try present() else { return false }
    try read(old)
    guard state.isAlive else { return false }
    edits.removeAll(keepingCapacity: true)
    try commit(old: old, values: bytes, names: part.names, isAlive: false)
    part.appendDelete(bytes, keyRange)
    return true
  }

  /// Repeats an operation of another replica.
  mutating func repeatOperation(
    _ operation: OperationCursor.Operation, _ bytes: Span<UInt8>, names: FieldNames
  ) throws {
    key.removeAll(keepingCapacity: true)
    key.append(contentsOf: operation.key)
    edits.removeAll(keepingCapacity: true)
    edits.append(contentsOf: operation.edits)
    let old = try present()
    if let old { try read(old) } else { state.clear() }
    try commit(old: old ?? [], values: bytes, names: names, isAlive: operation.leavesAlive)
  }
}

extension CollectionWriter {
  /// The stored state of the record at `key`.
  @inline(__always)
  func present() throws(EngineError) -> [UInt8]? {
    guard let tree else { return nil }
    return try trees.value(forKey: key, in: tree)
  }

  /// The tree of the records, created with the first of them.
  @inline(__always)
  mutating func recordTree() throws(EngineError) -> TreeID {
    if let tree { return tree }
    let created = try trees.createTree(named: StoreTree.records(collection))
    tree = created
    return created
  }

  mutating func setKey(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    key.removeAll(keepingCapacity: true)
    key.append(bytes, range)
  }

  private mutating func read(_ bytes: [UInt8]) throws {
    do {
      try state.read(bytes.span)
    } catch {
      throw RecordStoreError.corruptRecord(collection, key, error)
    }
  }

  /// Whether a field has one sibling and that is the value given, or, where none is given, gone.
  private func isSettled(
    _ field: RecordState.Field, _ old: Span<UInt8>, _ bytes: Span<UInt8>, _ value: Range<Int>
  ) -> Bool {
    field.siblings.count == 1
      && old.equals(state.siblings[field.siblings.lowerBound].value, bytes, value)
  }

  private mutating func addEdit(_ bytes: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>) {
    let number = part.names.number(bytes, name, guess: edits.count)
    edits.append(FieldEdit(name: number, value: value))
  }

  private mutating func addRemoval(of field: RecordState.Field, _ old: Span<UInt8>) {
    if field.siblings.count == 1, state.visibleValue(of: field) == nil { return }
    let number = part.names.number(old, field.name, guess: edits.count)
    edits.append(FieldEdit(name: number, value: 0..<0))
  }

  private mutating func commitPatch(
    _ bytes: Span<UInt8>, _ keyRange: Range<Int>, old: [UInt8]
  ) throws {
    try commit(old: old, values: bytes, names: part.names, isAlive: true)
    part.appendPatch(bytes, keyRange, edits, bytes)
  }

  /// Writes the state after `edits`, and keeps count of the tombstones.
  private mutating func commit(
    old: [UInt8], values: Span<UInt8>, names: FieldNames, isAlive: Bool
  ) throws {
    let wasTombstone = !old.isEmpty && !state.isAlive
    let leavesAlive = writer.write(
      old: state, old.span, edits: edits, values, names: names, isAlive: isAlive, coverage)
    try trees.put(writer.bytes, forKey: key, in: recordTree())
    if wasTombstone { tombstoneChange -= 1 }
    if !leavesAlive { tombstoneChange += 1 }
  }
}
