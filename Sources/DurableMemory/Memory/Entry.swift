// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One entry of a map in memory: key and value as they are stored, one behind the other.
///
/// ```
/// 0   4  key bytes, the mark of the form included
/// 4   4  value bytes, the flags included
/// 8   …  key: a mark (`StoredForm`), the key itself
///     …  value: flags, the time it expires if so flagged, the value itself
///     24 of an entry that is stored in parts: what names them (`PartsName`)
/// ```
///
/// Never changed once it can be found. Safe to use while its finder is inside an epoch, or holds
/// the lock of the map, or a snapshot that shows it.
@safe
struct Entry: BitwiseCopyable, Equatable {
  static let headerBytes = 8
  /// Where the address is zero, there is no entry.
  static let none = Entry(address: 0)

  let address: UInt

  @inline(__always)
  init(address: UInt) {
    self.address = address
  }

  @inline(__always)
  var base: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
  }

  var exists: Bool {
    @inline(__always) get { address != 0 }
  }

  /// Bytes of the key with its mark.
  var keyCount: Int {
    @inline(__always) get { unsafe Int(base.load(as: UInt32.self)) }
  }

  /// Bytes of the value with its flags.
  var valueCount: Int {
    @inline(__always) get { unsafe Int(base.load(fromByteOffset: 4, as: UInt32.self)) }
  }

  private var valueBase: UnsafeMutableRawPointer {
    @inline(__always) get { unsafe base + (Self.headerBytes &+ keyCount) }
  }

  /// Where the value begins with its flags, the flags, and its bytes.
  var valuePlace: (address: UInt, flags: StoredFlags, count: Int) {
    @inline(__always) get {
      let place = address &+ UInt(bitPattern: Self.headerBytes &+ keyCount)
      return (place, flags, valueCount)
    }
  }

  /// The flags of the value.
  var flags: StoredFlags {
    @inline(__always) get { StoredFlags(rawValue: unsafe valueBase.load(as: UInt8.self)) }
  }

  /// When it expires, in milliseconds since 1970; `nil` for never.
  var expiry: UInt64? {
    guard flags.contains(.expires) else { return nil }
    return UInt64(bigEndian: unsafe valueBase.loadUnaligned(fromByteOffset: 1, as: UInt64.self))
  }

  /// Whether its key is too long to be one of the tree.
  var isLong: Bool { plainKeyCount > StoredForm.longestPlainKey }

  /// Whether it is stored in parts.
  var isInParts: Bool { flags.contains(.inParts) }

  /// Bytes of the key itself.
  var plainKeyCount: Int { keyCount - 1 }

  /// Bytes of the value itself.
  var plainValueCount: Int { valueCount - flags.prefixBytes }

  /// Bytes that it takes, its header included.
  var byteCount: Int {
    Self.byteCount(key: keyCount, value: valueCount, inParts: flags.contains(.inParts))
  }

  static func byteCount(key: Int, value: Int, inParts: Bool) -> Int {
    headerBytes + key + value + (inParts ? PartsName.byteCount : 0)
  }

  /// Whether its key is `count` bytes at `key`, without the mark.
  @inline(__always)
  func hasKey(_ key: UnsafeRawPointer, _ count: Int) -> Bool {
    guard keyCount == count &+ 1 else { return false }
    let own = unsafe base + (Self.headerBytes &+ 1)
    if count == 8 {
      return unsafe own.loadUnaligned(as: UInt64.self) == key.loadUnaligned(as: UInt64.self)
    }
    return unsafe memcmp(own, key, count) == 0
  }
}

extension Entry {
  /// Lends the key itself.
  func lendKey<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    let start = unsafe UnsafeRawPointer(base + (Self.headerBytes + 1))
    return try unsafe ByteLoan.lend(start, plainKeyCount, body)
  }

  /// Lends the value itself.
  @inline(__always)
  func lendValue<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    let skipped = flags.prefixBytes
    return try unsafe ByteLoan.lend(valueBase + skipped, valueCount &- skipped, body)
  }

  /// Lends key and value as they are stored: with mark and flags.
  func lendStored<R, E: Error>(
    _ body: (Span<UInt8>, Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try unsafe ByteLoan.lend(base + Self.headerBytes, keyCount) { (key) throws(E) in
      try unsafe ByteLoan.lend(valueBase, valueCount) { (value) throws(E) in
        try body(key, value)
      }
    }
  }

  /// What names its parts; meaningful where the flags say that it has some.
  var partsName: PartsName {
    get {
      let place = unsafe valueBase + valueCount
      return unsafe PartsName(
        number: place.loadUnaligned(as: UInt64.self),
        longKey: LongKeyName(
          high: place.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
          low: place.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
    }
    nonmutating set {
      let place = unsafe valueBase + valueCount
      unsafe place.storeBytes(of: newValue.number, as: UInt64.self)
      unsafe place.storeBytes(of: newValue.longKey.high, toByteOffset: 8, as: UInt64.self)
      unsafe place.storeBytes(of: newValue.longKey.low, toByteOffset: 16, as: UInt64.self)
    }
  }

  /// Fills in a new entry.
  func fill(key: Span<UInt8>, value: Span<UInt8>) {
    unsafe base.storeBytes(of: UInt32(truncatingIfNeeded: key.count), as: UInt32.self)
    unsafe base.storeBytes(
      of: UInt32(truncatingIfNeeded: value.count), toByteOffset: 4, as: UInt32.self)
    unsafe ByteLoan.copy(key, to: base + Self.headerBytes)
    unsafe ByteLoan.copy(value, to: base + (Self.headerBytes + key.count))
  }
}
