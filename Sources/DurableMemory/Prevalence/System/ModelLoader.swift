// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// A model as the store has it.
struct LoadedModel<Model: Sendable> {
  var model: Model
  /// The last command executed on it.
  var number: UInt64
  var time: UInt64
  /// The image it began with.
  var image: ImageHeader
  /// Bytes of journal after that image.
  var journalBytes: Int
  /// Newer images that could not be read, and why.
  var skipped: [SkippedImage]
}

/// An image that could not be read, so that an older one and the journal were used.
public struct SkippedImage: Sendable, Equatable {
  /// The last command that it contains.
  public let number: UInt64
  /// What is wrong with it.
  public let problem: PrevalenceError
}

/// Makes a model from an image and the journal after it.
struct ModelLoader<Model: Sendable>: Sendable {
  let journal: CommandJournal
  let images: ImageStore
  let registry: CommandRegistry<Model>
  let options: PrevalentOptions<Model>
  let information: SystemInformation

  /// Loads the last state of a view, or the last one that is not after `limit`.
  ///
  /// - Throws: `PrevalenceError`.
  func load(
    from view: Snapshot, upTo limit: PointInTime = .end
  ) throws(PrevalenceError) -> LoadedModel<Model> {
    var loaded = try newestImage(in: view, upTo: limit)
    // Hashes of another version of the model say nothing about this one.
    let isMigrated = loaded.image.modelVersion != options.modelVersion
    var replay = replay(
      after: loaded.number, time: loaded.time, comparesHashes: !isMigrated)
    do {
      try journal.read(after: loaded.number, in: view) { record, payload in
        guard limit.contains(record) else { return false }
        try replay.execute(record, payload, on: &loaded.model)
        loaded.journalBytes += record.byteCount + (record.isElsewhere ? payload.count : 0)
        return true
      }
    } catch {
      throw CommandJournal.error(error)
    }
    (loaded.number, loaded.time) = (replay.number, replay.time)
    return loaded
  }

  func replay(
    after number: UInt64, time: UInt64, comparesHashes: Bool = true
  ) -> CommandReplay<Model> {
    CommandReplay(
      registry: registry, seed: information.seed,
      stateHash: comparesHashes ? options.stateHash : nil, number: number, time: time)
  }

  private func newestImage(
    in view: Snapshot, upTo limit: PointInTime
  ) throws(PrevalenceError) -> LoadedModel<Model> {
    var skipped: [SkippedImage] = []
    let headers = try images.headers(in: view)
    for (number, header) in headers {
      do throws(PrevalenceError) {
        let header = try header.get()
        guard limit.contains(header) else { continue }
        return LoadedModel(
          model: try read(header, in: view), number: header.number, time: header.time,
          image: header, journalBytes: 0, skipped: skipped)
      } catch {
        guard error.isDamage else { throw error }
        skipped.append(SkippedImage(number: number, problem: error))
      }
    }
    if let first = skipped.first {
      throw .damagedImage(number: first.number, reason: "\(first.problem)")
    }
    guard let oldest = headers.last else {
      throw .damagedImage(number: 0, reason: "there is none")
    }
    let newest = try journal.bounds(in: view)?.upperBound ?? headers[0].number
    throw .outOfHistory(oldest: oldest.number, newest: max(newest, headers[0].number))
  }

  private func read(_ header: ImageHeader, in view: Snapshot) throws(PrevalenceError) -> Model {
    guard header.modelName == options.modelName else {
      throw .modelMismatch(stored: header.modelName, expected: options.modelName)
    }
    let migration = options.migrations[header.modelVersion]
    guard header.modelVersion == options.modelVersion || migration != nil else {
      throw .modelVersion(stored: header.modelVersion, supported: options.modelVersion)
    }
    let bytes = try images.read(header, in: view)
    do {
      if header.modelVersion != options.modelVersion, let migration {
        return try migration(bytes[...])
      }
      let model = try options.codec.decode(bytes[...])
      if let expected = header.stateHash, let found = try options.stateHash?(model),
        found != expected
      {
        throw PrevalenceError.modelNotEncodable(reason: "what is read is not what was written")
      }
      return model
    } catch {
      throw .damagedImage(number: header.number, reason: "\(error)")
    }
  }
}

extension PrevalenceError {
  /// Whether an older image may be intact where this was thrown.
  fileprivate var isDamage: Bool {
    switch self {
    case .damagedImage, .engine(.corrupt): true
    default: false
    }
  }
}

/// Which state of the past is wanted.
public enum PointInTime: Sendable, Equatable {
  /// The last.
  case end
  /// The one after a command.
  case command(UInt64)
  /// The last one not after a time in milliseconds since 1970.
  case time(UInt64)

  func contains(_ record: JournalRecord) -> Bool {
    contains(number: record.number, time: record.time)
  }

  func contains(_ header: ImageHeader) -> Bool {
    contains(number: header.number, time: header.time)
  }

  private func contains(number: UInt64, time: UInt64) -> Bool {
    switch self {
    case .end: true
    case .command(let last): number <= last
    case .time(let last): time <= last
    }
  }
}
