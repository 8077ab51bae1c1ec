// SPDX-License-Identifier: Apache-2.0

/// What becomes, in a power cut, of the effects that were not flushed.
///
/// The unit is a block of 4096 bytes; "torn" blocks are cut at sectors of 512 bytes or anywhere.
public enum CrashVariant: String, CaseIterable, Sendable {
  /// Nothing arrived.
  case loseAll
  /// Everything arrived, except the call that was under way.
  case keepAll
  /// Later effects arrived, earlier ones did not.
  case reordered
  /// Each block and each size change arrived or not.
  case randomSubset
  /// Each block arrived, did not, or arrived in part.
  case torn
  /// Each block arrived, did not, or holds bytes that nobody wrote.
  case garbled
  /// Everything arrived, and a first part of the call that was under way.
  case interrupted
  /// All bytes arrived, but no change of the file's size.
  case sizeLost
  /// The changes of the file's size arrived, but no bytes.
  case sizeOnly

  /// Whether different seeds give different outcomes.
  public var isRandom: Bool {
    switch self {
    case .loseAll, .keepAll, .sizeLost, .sizeOnly: false
    case .reordered, .randomSubset, .torn, .garbled, .interrupted: true
    }
  }
}

/// One change of the medium that a flush would make durable.
struct Effect: Sendable {
  enum Change: Sendable {
    case write(offset: UInt64, bytes: [UInt8])
    case resize(from: UInt64, to: UInt64)
  }

  /// How sure it is that the change reaches the medium.
  enum Certainty: Sendable {
    /// As sure as the next flush makes it.
    case pending
    /// It was made durable by itself, while others before it are still pending.
    case certain
    /// Its call failed: no later flush says anything about it.
    case doubtful
  }

  /// The number of the call, among those that change something.
  let call: Int
  let change: Change
  var certainty = Certainty.pending

  /// Whether it writes to any of the bytes that another writes to or cuts off.
  func overlaps(_ other: Effect) -> Bool {
    guard case .write(let offset, let bytes) = change else { return false }
    if case .resize(let old, let new) = other.change {
      return new < old && new < offset + UInt64(bytes.count)
    }
    guard case .write(let otherOffset, let otherBytes) = other.change else { return false }
    return offset < otherOffset + UInt64(otherBytes.count)
      && otherOffset < offset + UInt64(bytes.count)
  }
}

/// Builds the image that a power cut leaves.
struct CrashImageBuilder {
  private static let blockBytes = 4096
  private static let sectorBytes = 512

  private(set) var image: DiskImage
  /// Sizes have a fate of their own, so the length is set last.
  private var length: UInt64
  private var random: SplitMix64

  init(durable: DiskImage, seed: UInt64) {
    image = durable
    length = durable.length
    random = SplitMix64(seed: seed)
  }

  /// Applies what is certainly durable.
  mutating func apply(_ effects: [Effect]) {
    for effect in effects { keep(effect, isCertain: true) }
  }

  /// Applies what may be durable; `interrupted` is the number of the call under way.
  mutating func apply(_ effects: [Effect], variant: CrashVariant, interrupted: Int) {
    let firstKept = random.below(effects.count + 1)
    for (index, effect) in effects.enumerated() {
      let isInterrupted = effect.call >= interrupted
      if effect.certainty == .certain, !isInterrupted {
        keep(effect, isCertain: true)
        continue
      }
      switch variant {
      case .loseAll: break
      case .keepAll: if !isInterrupted { keep(effect) }
      case .reordered: if index >= firstKept { keep(effect) }
      case .interrupted: if isInterrupted { keepPrefix(of: effect) } else { keep(effect) }
      case .sizeLost: if case .write = effect.change, !isInterrupted { keep(effect) }
      case .sizeOnly: if case .resize = effect.change { keep(effect) }
      case .randomSubset, .torn, .garbled: keepBlocks(of: effect, variant)
      }
    }
  }

  /// Ends the work and returns the image.
  consuming func finish() -> DiskImage {
    image.setLength(length)
    return image
  }

  private mutating func keep(_ effect: Effect, isCertain: Bool = false) {
    switch effect.change {
    case .write(let offset, let bytes):
      image.write(bytes[...], at: offset)
      // Bytes are durable only in a file that is long enough for them.
      if isCertain { length = max(length, offset + UInt64(bytes.count)) }
    case .resize(let oldLength, let newLength) where newLength >= oldLength:
      // A later durable write may have made it longer; growth never cuts anything off.
      length = max(length, newLength)
    case .resize(_, let newLength):
      if newLength < image.length { image.setLength(newLength) }
      length = newLength
    }
  }

  /// A write stopped on the way: cut at a sector, or at any byte.
  private mutating func keepPrefix(of effect: Effect) {
    guard case .write(let offset, let bytes) = effect.change, !bytes.isEmpty else {
      if random.chance(1, in: 2) { keep(effect) }
      return
    }
    var count = random.below(bytes.count + 1)
    if random.chance(1, in: 2) { count -= count % Self.sectorBytes }
    image.write(bytes[..<count], at: offset)
  }

  private mutating func keepBlocks(of effect: Effect, _ variant: CrashVariant) {
    guard case .write(let offset, let bytes) = effect.change else {
      if random.chance(1, in: 2) { keep(effect) }
      return
    }
    // Half of the time mostly kept, so that damage sits alone among intact blocks.
    let keptOfEight = random.chance(1, in: 2) ? 7 : 4
    for start in stride(from: 0, to: bytes.count, by: Self.blockBytes) {
      let block = bytes[start..<min(start + Self.blockBytes, bytes.count)]
      let place = offset + UInt64(start)
      if random.chance(keptOfEight, in: 8) {
        image.write(block, at: place)
      } else if variant == .torn {
        tear(block, at: place)
      } else if variant == .garbled, random.chance(1, in: 2) {
        image.write(random.bytes(block.count)[...], at: place)
      }
    }
  }

  private mutating func tear(_ block: ArraySlice<UInt8>, at place: UInt64) {
    let cut = block.startIndex + random.below(block.count + 1)
    switch random.below(4) {
    case 0: image.write(block[..<cut], at: place)
    case 1: image.write(block[cut...], at: place + UInt64(cut - block.startIndex))
    default:
      for start in stride(from: block.startIndex, to: block.endIndex, by: Self.sectorBytes)
      where random.chance(1, in: 2) {
        let sector = block[start..<min(start + Self.sectorBytes, block.endIndex)]
        image.write(sector, at: place + UInt64(start - block.startIndex))
      }
    }
  }
}
