// SPDX-License-Identifier: Apache-2.0

/// Writes the state of a record after an operation.
struct StateWriter {
  /// The state as written.
  private(set) var bytes: [UInt8] = []

  /// Of each old stamp whether the operation covers it; then the slot it gets, or `dropped`.
  private var slots: [Int] = []
  private var stamps: [Stamp] = []
  private var newSlot = 0
  /// Whether one of the siblings that stay or are added has no value.
  private var hasRemoval = false

  /// Room for what stands around the first values.
  private static let headRoom = 64
  private static let dropped = -1
  private static let kept = -2

  /// Writes the state after an operation on a record that was `old`.
  ///
  /// - Parameters:
  ///   - old: The state before, empty for a new record.
  ///   - oldBytes: The bytes `old` was read from.
  ///   - edits: What happens to fields, ordered by name.
  ///   - values: The bytes that hold the values of `edits`.
  ///   - names: The names of `edits`.
  ///   - isAlive: Whether the operation is one that leaves the record alive.
  ///   - coverage: What the transaction has seen.
  /// - Returns: Whether the record is alive, which a concurrent operation may decide too.
  mutating func write(
    old: RecordState, _ oldBytes: Span<UInt8>, edits: [FieldEdit], _ values: Span<UInt8>,
    names: FieldNames, isAlive: Bool, _ coverage: Coverage
  ) -> Bool {
    bytes.removeAll(keepingCapacity: true)
    if bytes.capacity == 0 { bytes.reserveCapacity(oldBytes.count + values.count + Self.headRoom) }
    assignSlots(old, oldBytes, edits, names, coverage)
    if stamps.count == 1, isAlive, !hasRemoval {
      writePlain(old, oldBytes, edits, values, names)
      return true
    }
    bytes.append(ItemType.array << 5 | 3)
    writeStamps()
    let leavesAlive = writeLife(old, isAlive, coverage)
    writeFields(old, oldBytes, edits, values, names, coverage)
    return leavesAlive
  }
}

/// How the fields of a record and the edits of an operation, both ordered by name, go together.
private enum Pairing {
  case onlyField, onlyEdit, both
}

extension StateWriter {
  /// Finds the stamps that are still used and gives them their places.
  private mutating func assignSlots(
    _ old: RecordState, _ oldBytes: Span<UInt8>, _ edits: [FieldEdit], _ names: FieldNames,
    _ coverage: Coverage
  ) {
    stamps.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    hasRemoval = edits.contains { $0.value.isEmpty }
    for _ in old.stamps { slots.append(Self.dropped) }
    for life in old.life where !coverage.covers(old.stamps[life.stamp]) {
      slots[life.stamp] = Self.kept
    }
    var edit = 0
    for field in old.fields {
      var isEdited = false
      while edit < edits.count {
        let order = compare(names, edits[edit], oldBytes, field)
        if order > 0 { break }
        edit += 1
        isEdited = order == 0
      }
      for sibling in old.siblings[field.siblings]
      where !isEdited || !coverage.covers(old.stamps[sibling.stamp]) {
        slots[sibling.stamp] = Self.kept
        if sibling.value.isEmpty { hasRemoval = true }
      }
    }
    newSlot = Self.dropped
    for (slot, stamp) in old.stamps.enumerated() where slots[slot] == Self.kept {
      if newSlot == Self.dropped, coverage.stamp <= stamp { appendNewStamp(coverage.stamp) }
      if stamp == coverage.stamp {
        slots[slot] = newSlot
      } else {
        slots[slot] = stamps.count
        stamps.append(stamp)
      }
    }
    if newSlot == Self.dropped { appendNewStamp(coverage.stamp) }
  }

  private mutating func appendNewStamp(_ stamp: Stamp) {
    newSlot = stamps.count
    stamps.append(stamp)
  }

  private mutating func writeStamps() {
    bytes.appendHead(ItemType.array, UInt64(stamps.count * 3))
    for stamp in stamps { stamp.write(to: &bytes) }
  }

  /// Writes the plain state of a new record, whose fields are encoded already.
  mutating func writePlain(
    _ source: Span<UInt8>, _ fields: Range<Int>, count: Int, _ coverage: Coverage
  ) {
    bytes.removeAll(keepingCapacity: true)
    bytes.appendHead(ItemType.array, UInt64(3 + count * 2))
    coverage.stamp.write(to: &bytes)
    bytes.append(source, fields)
  }

  /// Writes a state that is all of the operation's transaction.
  ///
  /// An old field that is not edited stays only if an earlier operation of the same transaction
  /// wrote it.
  private mutating func writePlain(
    _ old: RecordState, _ oldBytes: Span<UInt8>, _ edits: [FieldEdit], _ values: Span<UInt8>,
    _ names: FieldNames
  ) {
    let head = bytes.count
    bytes.append(0)
    stamps[0].write(to: &bytes)
    var count = 0
    var (field, edit) = (0, 0)
    while field < old.fields.count || edit < edits.count {
      let pairing = pair(old, oldBytes, field, edits, names, edit)
      if pairing == .onlyField {
        bytes.append(oldBytes, old.fields[field].name)
        bytes.append(oldBytes, old.siblings[old.fields[field].siblings.lowerBound].value)
      } else {
        bytes.append(names.bytes.span, names.ranges[edits[edit].name])
        bytes.append(values, edits[edit].value)
      }
      if pairing != .onlyEdit { field += 1 }
      if pairing != .onlyField { edit += 1 }
      count += 1
    }
    bytes.setHead(at: head, ItemType.array, count: 3 + count * 2)
  }

  private mutating func writeLife(
    _ old: RecordState, _ isAlive: Bool, _ coverage: Coverage
  ) -> Bool {
    var leavesAlive = isAlive
    let head = bytes.count
    bytes.append(0)
    var count = 1
    var written = false
    for life in old.life where !coverage.covers(old.stamps[life.stamp]) {
      if !written, newSlot < slots[life.stamp] {
        written = true
        writeLife(newSlot, isAlive)
      }
      writeLife(slots[life.stamp], life.isAlive)
      leavesAlive = leavesAlive || life.isAlive
      count += 1
    }
    if !written { writeLife(newSlot, isAlive) }
    bytes.setHead(at: head, ItemType.array, count: count)
    return leavesAlive
  }

  private mutating func writeLife(_ slot: Int, _ isAlive: Bool) {
    bytes.appendHead(ItemType.unsigned, UInt64(slot * 2 + (isAlive ? 1 : 0)))
  }

  private mutating func writeFields(
    _ old: RecordState, _ oldBytes: Span<UInt8>, _ edits: [FieldEdit], _ values: Span<UInt8>,
    _ names: FieldNames, _ coverage: Coverage
  ) {
    let head = bytes.count
    bytes.append(0)
    var count = 0
    var (field, edit) = (0, 0)
    while field < old.fields.count || edit < edits.count {
      let pairing = pair(old, oldBytes, field, edits, names, edit)
      if pairing == .onlyEdit {
        bytes.append(names.bytes.span, names.ranges[edits[edit].name])
        bytes.append(ItemType.array << 5 | 2)
        writeNewSibling(edits[edit], values)
      } else {
        bytes.append(oldBytes, old.fields[field].name)
        writeSiblings(
          of: old.fields[field], old, oldBytes, pairing == .both ? edits[edit] : nil, values,
          coverage)
      }
      if pairing != .onlyEdit { field += 1 }
      if pairing != .onlyField { edit += 1 }
      count += 1
    }
    bytes.setHead(at: head, ItemType.array, count: count * 2)
  }

  /// Writes the siblings that stay, and the one that `edit` adds.
  private mutating func writeSiblings(
    of field: RecordState.Field, _ old: RecordState, _ oldBytes: Span<UInt8>, _ edit: FieldEdit?,
    _ values: Span<UInt8>, _ coverage: Coverage
  ) {
    let head = bytes.count
    bytes.append(0)
    var count = 0
    var pending = edit
    for sibling in old.siblings[field.siblings] {
      if edit != nil, coverage.covers(old.stamps[sibling.stamp]) { continue }
      if let edit = pending, newSlot < slots[sibling.stamp] {
        writeNewSibling(edit, values)
        pending = nil
        count += 1
      }
      bytes.appendHead(ItemType.unsigned, UInt64(slots[sibling.stamp]))
      writeValue(oldBytes, sibling.value)
      count += 1
    }
    if let edit = pending {
      writeNewSibling(edit, values)
      count += 1
    }
    bytes.setHead(at: head, ItemType.array, count: count * 2)
  }

  @inline(__always)
  private mutating func writeNewSibling(_ edit: FieldEdit, _ values: Span<UInt8>) {
    bytes.appendHead(ItemType.unsigned, UInt64(newSlot))
    writeValue(values, edit.value)
  }

  @inline(__always)
  private mutating func writeValue(_ source: Span<UInt8>, _ value: Range<Int>) {
    if value.isEmpty {
      bytes.append(ItemType.undefinedByte)
    } else {
      bytes.append(source, value)
    }
  }

  private func pair(
    _ old: RecordState, _ oldBytes: Span<UInt8>, _ field: Int, _ edits: [FieldEdit],
    _ names: FieldNames, _ edit: Int
  ) -> Pairing {
    if field == old.fields.count { return .onlyEdit }
    if edit == edits.count { return .onlyField }
    let order = compare(names, edits[edit], oldBytes, old.fields[field])
    return order == 0 ? .both : order < 0 ? .onlyEdit : .onlyField
  }

  /// Orders the name of an edit against that of a field.
  @inline(__always)
  private func compare(
    _ names: FieldNames, _ edit: FieldEdit, _ oldBytes: Span<UInt8>, _ field: RecordState.Field
  ) -> Int {
    compareTextItems(names.bytes.span, names.ranges[edit.name], oldBytes, field.name)
  }
}

/// Orders two text items by the bytes of their texts.
@inline(__always)
func compareTextItems(
  _ left: Span<UInt8>, _ leftItem: Range<Int>, _ right: Span<UInt8>, _ rightItem: Range<Int>
) -> Int {
  let leftText = leftItem.lowerBound + ItemText.headLength(left[leftItem.lowerBound])
  let rightText = rightItem.lowerBound + ItemText.headLength(right[rightItem.lowerBound])
  let common = min(leftItem.upperBound - leftText, rightItem.upperBound - rightText)
  var index = 0
  while index < common {
    let difference = Int(left[leftText + index]) - Int(right[rightText + index])
    if difference != 0 { return difference }
    index += 1
  }
  return (leftItem.upperBound - leftText) - (rightItem.upperBound - rightText)
}
