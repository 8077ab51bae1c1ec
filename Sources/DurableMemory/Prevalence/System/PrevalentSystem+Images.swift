// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import Synchronization

/// Images of the model, and the removal of what they replace.
extension PrevalentSystem {
  /// Writes an image of the state that queries see, and returns the number of its last command.
  ///
  /// Commands and queries go on meanwhile. Where the newest image has that state already, nothing is
  /// written. Afterwards older images and the journal before the oldest that is kept are removed, as
  /// the options say.
  ///
  /// - Throws: `PrevalenceError`; when it is thrown while something is removed, the image is there.
  @discardableResult
  public func writeImage() throws(PrevalenceError) -> UInt64 {
    if isReadOnly { throw .readOnly }
    defer { deliverEvents() }
    return try imaging.withLock { () throws(PrevalenceError) in
      try checkOpen()
      if let failure = working.withLock({ $0.failure }) { throw failure }
      let (number, skipped) = working.withLock {
        ($0.image.number, $0.skipped.map(\.number))
      }
      let copy = try beginReading()
      let shown = copy.number
      if shown == number, !skipped.contains(number) {
        gallery.endReading(copy)
        return number
      }
      try write(imageOf: copy)
      try removeOld()
      return shown
    }
  }

  private func write(imageOf copy: ShownCopy) throws(PrevalenceError) {
    let (number, time) = (copy.number, copy.time)
    let bytes = try { () throws(PrevalenceError) in
      defer { gallery.endReading(copy) }
      return try encodeImage(copy)
    }()
    try verify(bytes.bytes)
    let header = try Self.header(
      of: bytes.bytes, number: number, time: time, options, hash: bytes.hash)
    // An earlier attempt may have left its chunks behind, which take room.
    try images.dropUnfinished()
    let tried = working.withLock { working in
      defer { working.imageTried = number }
      return (working.imageTried, working.bytesSinceImage)
    }
    let written = try images.write(header, bytes.bytes)
    working.withLock { working in
      working.image = written
      working.skipped.removeAll { $0.number == number }
      working.bytesSinceImage -= min(tried.1, working.bytesSinceImage)
    }
  }

  private func encodeImage(
    _ copy: ShownCopy
  ) throws(PrevalenceError) -> (bytes: [UInt8], hash: UInt64?) {
    guard let model = Self.model(of: copy) else { throw .closed }
    return try Self.encode(model, options)
  }

  /// Decodes an image again, as a trial, before it takes the place of others.
  private func verify(_ bytes: [UInt8]) throws(PrevalenceError) {
    if options.verification != .every, working.withLock({ $0.isImageVerified }) { return }
    try Self.verify(bytes, options)
    working.withLock { $0.isImageVerified = true }
  }

  static func verify(
    _ bytes: [UInt8], _ options: PrevalentOptions<Model>
  ) throws(PrevalenceError) {
    if options.verification == .none { return }
    do {
      _ = try options.codec.decode(bytes[...])
    } catch {
      throw .modelNotEncodable(reason: "it cannot be decoded again: \(error)")
    }
  }

  /// Encodes a model, and hashes it if hashes are asked for.
  static func encode(
    _ model: Model, _ options: PrevalentOptions<Model>
  ) throws(PrevalenceError) -> (bytes: [UInt8], hash: UInt64?) {
    do {
      var bytes: [UInt8] = []
      try options.codec.encode(model, into: &bytes)
      let hash = options.hashInterval > 0 ? try options.stateHash?(model) : nil
      return (bytes, hash)
    } catch {
      throw .modelNotEncodable(reason: "\(error)")
    }
  }

  static func header(
    of bytes: [UInt8], number: UInt64, time: UInt64, _ options: PrevalentOptions<Model>,
    hash: UInt64?
  ) throws(PrevalenceError) -> ImageHeader {
    let chunks = (bytes.count + ImageHeader.chunkBytes - 1) / ImageHeader.chunkBytes
    guard let chunks = UInt32(exactly: chunks) else {
      throw .modelNotEncodable(reason: "an image has too many bytes")
    }
    return ImageHeader(
      number: number, time: time, modelName: options.modelName,
      modelVersion: options.modelVersion, tree: "", chunks: chunks, bytes: bytes.count,
      checksum: Checksum.crc32c(of: bytes[...]), stateHash: hash)
  }

  /// Removes what the kept images make superfluous.
  private func removeOld() throws(PrevalenceError) {
    let view = try PrevalenceError.wrapping { () throws(EngineError) in try database.snapshot() }
    let headers = try images.headers(in: view)
    view.close()
    // One that could not be read does not count, and is left to those who can repair it.
    let skipped = Set(working.withLock { $0.skipped.map(\.number) })
    // The whole journal begins with the first of all.
    let origin = headers.last { (try? $0.header.get()) != nil && !skipped.contains($0.number) }
    let begin = options.images.keepsWholeJournal ? origin?.number : nil
    var kept: [ImageHeader] = []
    var intact = 0
    for (number, header) in headers {
      guard let header = try? header.get() else { continue }
      if skipped.contains(number) {
        kept.append(header)
      } else if intact < options.images.keptImages || number == begin {
        kept.append(header)
        intact += 1
      }
    }
    try images.removeAll(except: kept)
    if options.images.keepsWholeJournal { return }
    guard let oldest = kept.filter({ !skipped.contains($0.number) }).last?.number else { return }
    let first = working.withLock { $0.firstEntry }
    guard first <= oldest else { return }
    try journal.remove(first...oldest)
    working.withLock { $0.firstEntry = oldest + 1 }
  }

  /// Has an image written soon.
  func scheduleImage() {
    let job: @Sendable () -> Void = { [weak self] in self?.writeScheduledImage() }
    if let scheduler = options.scheduler {
      scheduler.schedule(job)
    } else {
      BackgroundThread.start(job)
    }
  }

  private func writeScheduledImage() {
    defer { working.withLock { $0.isImageScheduled = false } }
    do throws(PrevalenceError) {
      try writeImage()
    } catch .closed {
      return
    } catch {
      // The next image is tried after as many commands as if this had been written.
      working.withLock { working in
        working.imageTried = working.number
        working.bytesSinceImage = 0
      }
      options.onFailure?(error)
    }
  }
}
