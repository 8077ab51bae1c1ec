// SPDX-License-Identifier: Apache-2.0

import CStorageSystem
import Glibc

/// Slots of a slotted page: offset, key length behind the prefix, value length, value form.
///
/// Numbers have 16 bits, so what is computed from a few of them cannot overflow: it is not checked.
extension PageView {
  @inline(__always)
  func head(_ index: Int) -> UInt64 {
    load64(PageLayout.headerBytes &+ index &* PageLayout.headBytes)
  }

  @inline(__always)
  func slotOffset(_ index: Int) -> Int {
    PageLayout.headerBytes &+ count &* PageLayout.headBytes &+ index &* PageLayout.slotBytes
  }

  @inline(__always)
  var prefix: Bytes {
    bytes(Int(load32(PageLayout.prefixOffset)), load16(PageLayout.prefixLength))
  }

  /// The key of a slot behind the page's prefix.
  @inline(__always)
  func keySuffix(_ index: Int) -> Bytes {
    let slot = slotOffset(index)
    return bytes(load16(slot), load16(slot &+ 2))
  }

  @inline(__always)
  func value(_ index: Int) -> Bytes {
    let slot = slotOffset(index)
    return bytes(load16(slot) &+ load16(slot &+ 2), load16(slot &+ 4))
  }

  @inline(__always)
  func form(_ index: Int) -> ValueForm {
    ValueForm(rawValue: UInt16(truncatingIfNeeded: load16(slotOffset(index) &+ 6))) ?? .inline
  }

  /// Orders the whole key of a slot against another.
  func compareKey(_ index: Int, _ other: Bytes) -> Int {
    let prefix = prefix
    let head = prefix.compare(other.prefix(min(prefix.count, other.count)))
    return head != 0 ? head : keySuffix(index).compare(other.dropFirst(prefix.count))
  }

  /// Copies the whole key of a slot.
  func key(_ index: Int) -> [UInt8] {
    let prefix = prefix
    let suffix = keySuffix(index)
    let count = prefix.count + suffix.count
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = count
      guard let base = buffer.baseAddress else { return }
      let key = unsafe PageView(UnsafeMutableRawPointer(base))
      key.copy(prefix, to: 0)
      key.copy(suffix, to: prefix.count)
    }
  }

  /// A child reference of a branch.
  @inline(__always)
  func child(_ index: Int) -> PageReference {
    let value = value(index)
    return PageReference(
      number: value.load(0, as: UInt64.self), checksum: value.load(8, as: UInt32.self))
  }

  func setChild(_ index: Int, _ reference: PageReference) {
    let slot = slotOffset(index)
    storeReference(reference, at: load16(slot) + load16(slot + 2))
  }

  func storeReference(_ reference: PageReference, at offset: Int) {
    store64(reference.number, offset)
    store32(reference.checksum, offset + 8)
    store32(0, offset + 12)
  }
}

/// Searching.
extension PageView {
  /// The first slot from `first` on whose key is not below `key`, and whether it equals it.
  ///
  /// `key` must lie within the fences of this page, so that it shares the page's prefix.
  @inline(__always)
  func lowerBound(_ key: Bytes, from first: Int = 0) -> (index: Int, found: Bool) {
    let suffix = suffix(of: key)
    let head = suffix.head
    let low = lowerBound(ofHead: head, from: first)
    guard low < count, self.head(low) == head else { return (low, false) }
    return lowerBound(suffix, amongHeadsFrom: low)
  }

  /// What is left of a key behind the page's prefix.
  @inline(__always)
  func suffix(of key: Bytes) -> Bytes {
    key.dropFirst(min(load16(PageLayout.prefixLength), key.count))
  }

  /// The first slot from `first` on whose head is not below `head`.
  @inline(__always)
  func lowerBound(ofHead head: UInt64, from first: Int) -> Int {
    let rest = count &- first
    if rest <= 0 { return first }
    return unsafe storage_lower_bound_u64(base + PageLayout.headerBytes, first, rest, head)
  }

  /// The same by whole keys among the slots from `low` on that share the head of `suffix`.
  @inline(__always)
  func lowerBound(_ suffix: Bytes, amongHeadsFrom first: Int) -> (index: Int, found: Bool) {
    let order = keySuffix(first).compare(suffix)
    if order >= 0 { return (first, order == 0) }
    return lowerBoundBehind(suffix, first)
  }

  /// Most heads are of one key only; this is for the others.
  @inline(never)
  private func lowerBoundBehind(_ suffix: Bytes, _ first: Int) -> (index: Int, found: Bool) {
    let head = suffix.head
    var low = first + 1
    var high = head == .max ? count : lowerBound(ofHead: head + 1, from: low)
    while low < high {
      let middle = (low + high) >> 1
      let order = keySuffix(middle).compare(suffix)
      if order == 0 { return (middle, true) }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return (low, false)
  }

  /// Fetches what a search looks at first, all at once: the header and the first heads and slots.
  @inline(__always)
  func prefetchSearch() {
    prefetch(firstBytes: Self.searchedLines * Self.lineBytes)
  }

  /// Fetches so many bytes from the beginning.
  @inline(__always)
  func prefetch(firstBytes: Int) {
    for offset in stride(from: 0, to: firstBytes, by: Self.lineBytes) {
      unsafe storage_prefetch(base + offset)
    }
  }

  /// Fetches the key and the beginning of the value of a slot.
  @inline(__always)
  func prefetchEntry(_ index: Int) {
    let start = load16(slotOffset(index))
    for line in 0..<3 { unsafe storage_prefetch(base + start + line * Self.lineBytes) }
  }

  private static var lineBytes: Int { 64 }
  private static var searchedLines: Int { 12 }

  /// The slot of the child that holds `key`.
  ///
  /// The separator of slot 0 counts as below every key, and so does what comes before `first`.
  @inline(__always)
  func childSlot(for key: Bytes, from first: Int = 1) -> Int {
    let (index, found) = lowerBound(key, from: first)
    return found ? index : index - 1
  }

  /// The slot of the last child that can hold keys below `key`.
  func childSlot(before key: Bytes) -> Int {
    lowerBound(key, from: 1).index - 1
  }
}

/// Changing.
///
/// The page must be private to the writer.
extension PageView {
  func freeBytes() -> Int {
    Int(load32(PageLayout.heapStart)) - PageLayout.headerBytes
      - count * (PageLayout.headBytes + PageLayout.slotBytes)
  }

  /// Bytes in use beyond the header, garbage not counted.
  func usedBytes(pageBytes: Int) -> Int {
    pageBytes - PageLayout.headerBytes - freeBytes() - Int(load32(PageLayout.heapGarbage))
  }

  static func entryBytes(suffix: Int, value: Int) -> Int {
    suffix + value + PageLayout.headBytes + PageLayout.slotBytes
  }

  /// Inserts an entry whose key suffix is `suffix`.
  ///
  /// The caller has made sure that it fits.
  func insert(_ index: Int, suffix: Bytes, value: Bytes, form: ValueForm) {
    let count = count
    let heap = Int(load32(PageLayout.heapStart)) - suffix.count - value.count
    copy(suffix, to: heap)
    copy(value, to: heap + suffix.count)
    store32(UInt32(heap), PageLayout.heapStart)

    let heads = PageLayout.headerBytes
    let slots = heads + count * PageLayout.headBytes
    let newSlots = slots + PageLayout.headBytes
    let slot = newSlots + index * PageLayout.slotBytes
    // Slots move by one head; those behind the new one by a slot as well.
    move(
      from: slots + index * PageLayout.slotBytes, to: slot + PageLayout.slotBytes,
      (count - index) * PageLayout.slotBytes)
    move(from: slots, to: newSlots, index * PageLayout.slotBytes)
    move(
      from: heads + index * PageLayout.headBytes, to: heads + (index + 1) * PageLayout.headBytes,
      (count - index) * PageLayout.headBytes)
    store64(suffix.head, heads + index * PageLayout.headBytes)
    store16(heap, slot)
    store16(suffix.count, slot + 2)
    store16(value.count, slot + 4)
    store16(Int(form.rawValue), slot + 6)
    store16(count + 1, PageLayout.count)
    let run = load16(PageLayout.appendRun)
    store16(index == count ? min(run + 1, 0xFFFF) : 0, PageLayout.appendRun)
  }

  func remove(_ index: Int) {
    let count = count
    let slot = slotOffset(index)
    let garbage = load16(slot + 2) + load16(slot + 4)
    store32(load32(PageLayout.heapGarbage) + UInt32(garbage), PageLayout.heapGarbage)
    let heads = PageLayout.headerBytes
    let slots = heads + count * PageLayout.headBytes
    move(
      from: heads + (index + 1) * PageLayout.headBytes, to: heads + index * PageLayout.headBytes,
      (count - index - 1) * PageLayout.headBytes)
    let newSlots = slots - PageLayout.headBytes
    move(from: slots, to: newSlots, index * PageLayout.slotBytes)
    move(
      from: slots + (index + 1) * PageLayout.slotBytes, to: newSlots + index * PageLayout.slotBytes,
      (count - index - 1) * PageLayout.slotBytes)
    store16(count - 1, PageLayout.count)
    store16(0, PageLayout.appendRun)
  }

  /// Puts a value of the same length over the old one.
  ///
  /// False when the lengths differ.
  func overwriteValue(_ index: Int, _ value: Bytes, form: ValueForm) -> Bool {
    let slot = slotOffset(index)
    guard load16(slot + 4) == value.count else { return false }
    copy(value, to: load16(slot) + load16(slot + 2))
    store16(Int(form.rawValue), slot + 6)
    return true
  }

  /// Sets the prefix of a freshly formatted page.
  func setPrefix(_ prefix: Bytes) {
    let heap = Int(load32(PageLayout.heapStart)) - prefix.count
    copy(prefix, to: heap)
    store32(UInt32(heap), PageLayout.heapStart)
    store32(UInt32(heap), PageLayout.prefixOffset)
    store16(prefix.count, PageLayout.prefixLength)
  }

  private func move(from source: Int, to target: Int, _ length: Int) {
    guard length > 0 else { return }
    unsafe memmove(base + target, base + source, length)
  }
}
