// SPDX-License-Identifier: Apache-2.0

/// Memory for entries: slabs of places of one size each, and single pieces for large entries.
///
/// A slab that has become empty serves any size again, so that a map that is overwritten for ever
/// does not grow, whatever lengths come and go. Chunks that are empty as a whole are given back.
/// Guarded by the lock of the map. Whoever has it has to call `freeAll` in the end.
@safe
struct EntryAllocator {
  /// Slabs begin at multiples of their size, so that an entry leads to its slab.
  static let slabBytes = 1 << 16
  static let slabsPerChunk = 16

  /// Slabs with room, for each class of sizes.
  private var withRoom = [Slab](repeating: .none, count: SizeClass.count)
  /// Slabs that were used before and are empty.
  private var emptySlabs: [Slab] = []
  /// Slabs that were never used, and take no memory yet.
  private var freshSlabs: [Slab] = []
  private var chunks: [UInt: Int] = [:]
  /// Bytes of entries that have a piece of memory of their own.
  private var largeBytes = 0
  private var largeEntries: Set<UInt> = []

  init() {}

  /// Gives everything back to the system, also what is in use.
  ///
  /// Not left to a `deinit`: those of members of classes that are `@exclusivity(unchecked)` do not
  /// run.
  mutating func freeAll() {
    for chunk in chunks.keys { unsafe Slab(address: chunk).base.deallocate() }
    for entry in largeEntries { unsafe Entry(address: entry).base.deallocate() }
    self = EntryAllocator()
  }

  /// Bytes taken from the system.
  var byteCount: Int {
    (chunks.count * Self.slabsPerChunk - freshSlabs.count) * Self.slabBytes + largeBytes
  }

  /// Takes room for an entry of `count` bytes, whatever it holds.
  mutating func take(_ count: Int) -> Entry {
    guard count <= SizeClass.largestBytes else { return takeLarge(count) }
    let size = SizeClass(bytes: count)
    var slab = withRoom[size.number]
    if !slab.exists {
      slab = takeSlab()
      slab.prepare(for: size)
      withRoom[size.number] = slab
    }
    let entry = slab.takePlace()
    if slab.isFull { unlink(slab, size) }
    return entry
  }

  /// Gives the room of an entry of `count` bytes back.
  mutating func giveBack(_ entry: Entry, _ count: Int) {
    guard count <= SizeClass.largestBytes else { return giveBackLarge(entry, count) }
    let slab = Slab(of: entry)
    let size = SizeClass(number: slab.sizeClass)
    let wasFull = slab.isFull
    slab.giveBack(entry)
    if wasFull { link(slab, size) }
    guard slab.isEmpty, slab.next.exists || slab.previous.exists else { return }
    unlink(slab, size)
    giveBack(slab)
  }

  private mutating func takeLarge(_ count: Int) -> Entry {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
    let entry = Entry(address: UInt(bitPattern: memory))
    largeEntries.insert(entry.address)
    largeBytes += count
    return entry
  }

  private mutating func giveBackLarge(_ entry: Entry, _ count: Int) {
    largeEntries.remove(entry.address)
    largeBytes -= count
    unsafe entry.base.deallocate()
  }

  // MARK: Slabs

  private mutating func link(_ slab: Slab, _ size: SizeClass) {
    let first = withRoom[size.number]
    slab.previous = .none
    slab.next = first
    if first.exists { first.previous = slab }
    withRoom[size.number] = slab
  }

  private mutating func unlink(_ slab: Slab, _ size: SizeClass) {
    let (previous, next) = (slab.previous, slab.next)
    if previous.exists { previous.next = next } else { withRoom[size.number] = next }
    if next.exists { next.previous = previous }
    slab.previous = .none
    slab.next = .none
  }

  private mutating func takeSlab() -> Slab {
    if emptySlabs.isEmpty, freshSlabs.isEmpty { addChunk() }
    let slab = emptySlabs.popLast() ?? freshSlabs.removeLast()
    chunks[slab.chunk, default: 0] += 1
    return slab
  }

  private mutating func addChunk() {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: Self.slabBytes * Self.slabsPerChunk, alignment: Self.slabBytes)
    let chunk = UInt(bitPattern: memory)
    chunks[chunk] = 0
    for index in (0..<Self.slabsPerChunk).reversed() {
      let slab = Slab(address: chunk + UInt(index * Self.slabBytes))
      slab.chunk = chunk
      freshSlabs.append(slab)
    }
  }

  private mutating func giveBack(_ slab: Slab) {
    let chunk = slab.chunk
    let used = (chunks[chunk] ?? 0) - 1
    chunks[chunk] = used
    emptySlabs.append(slab)
    // One empty chunk is kept, so that a size that comes and goes does not bother the system.
    guard used == 0, emptySlabs.count > 2 * Self.slabsPerChunk else { return }
    emptySlabs.removeAll { $0.chunk == chunk }
    freshSlabs.removeAll { $0.chunk == chunk }
    chunks[chunk] = nil
    unsafe Slab(address: chunk).base.deallocate()
  }
}

/// The sizes that places of slabs have: multiples of 8 bytes up to 512, then eight to each doubling.
struct SizeClass {
  static let largestBytes = 8192
  static let count = 97
  private static let lastLinear = 64

  let number: Int

  init(number: Int) {
    self.number = number
  }

  /// The smallest that holds so many bytes.
  @inline(__always)
  init(bytes: Int) {
    if bytes <= 512 {
      number = (bytes &+ 7) >> 3
    } else {
      let last = bytes &- 1
      let exponent = 63 &- last.leadingZeroBitCount
      number = Self.lastLinear &+ (exponent &- 9) &* 8 &+ (last >> (exponent &- 3)) & 7 &+ 1
    }
  }

  /// How many bytes it has.
  var bytes: Int {
    if number <= Self.lastLinear { return number * 8 }
    let step = number - Self.lastLinear - 1
    let exponent = 9 + step / 8
    return 1 << exponent + (step % 8 + 1) << (exponent - 3)
  }
}

/// A piece of memory with places of one size. Its first bytes say which are free:
///
/// ```
/// 0   8  next slab with room    24  8  first free place, which names the next
/// 8   8  slab before it         32  8  offset behind the places that were ever used
/// 16  8  the chunk it is of     40  4  places in use
/// 44  4  class of their size    48  8  their bytes
/// ```
///
/// Safe to use because only the allocator does, for slabs it has.
@safe
private struct Slab {
  static let headerBytes = 64
  static let none = Slab(address: 0)

  let address: UInt

  init(address: UInt) {
    self.address = address
  }

  init(of entry: Entry) {
    address = entry.address & ~UInt(EntryAllocator.slabBytes - 1)
  }

  var exists: Bool { address != 0 }

  var base: UnsafeMutableRawPointer {
    unsafe UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
  }

  private func load<T: BitwiseCopyable>(_ offset: Int) -> T {
    unsafe base.load(fromByteOffset: offset, as: T.self)
  }

  private func store<T: BitwiseCopyable>(_ value: T, _ offset: Int) {
    unsafe base.storeBytes(of: value, toByteOffset: offset, as: T.self)
  }

  var next: Slab {
    get { Slab(address: load(0)) }
    nonmutating set { store(newValue.address, 0) }
  }

  var previous: Slab {
    get { Slab(address: load(8)) }
    nonmutating set { store(newValue.address, 8) }
  }

  var chunk: UInt {
    get { load(16) }
    nonmutating set { store(newValue, 16) }
  }

  private var firstFree: UInt {
    get { load(24) }
    nonmutating set { store(newValue, 24) }
  }

  private var usedEnd: Int {
    get { load(32) }
    nonmutating set { store(newValue, 32) }
  }

  private var inUse: UInt32 {
    get { load(40) }
    nonmutating set { store(newValue, 40) }
  }

  var sizeClass: Int {
    get { Int(load(44) as UInt32) }
    nonmutating set { store(UInt32(newValue), 44) }
  }

  var isEmpty: Bool { inUse == 0 }

  private var placeBytes: Int {
    get { load(48) }
    nonmutating set { store(newValue, 48) }
  }

  var isFull: Bool {
    firstFree == 0 && usedEnd &+ placeBytes > EntryAllocator.slabBytes
  }

  func prepare(for size: SizeClass) {
    next = .none
    previous = .none
    firstFree = 0
    usedEnd = Self.headerBytes
    inUse = 0
    sizeClass = size.number
    placeBytes = size.bytes
  }

  func takePlace() -> Entry {
    inUse += 1
    let free = firstFree
    if free != 0 {
      firstFree = unsafe Slab(address: free).base.load(as: UInt.self)
      return Entry(address: free)
    }
    let place = address + UInt(usedEnd)
    usedEnd &+= placeBytes
    return Entry(address: place)
  }

  func giveBack(_ entry: Entry) {
    unsafe entry.base.storeBytes(of: firstFree, as: UInt.self)
    firstFree = entry.address
    inUse -= 1
  }
}
