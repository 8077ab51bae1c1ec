// SPDX-License-Identifier: Apache-2.0

import StorageEngine

/// What the store knows of a system besides its commands and images.
struct SystemInformation: Codable, Equatable {
  static let supportedFormat = 1

  /// The form of everything the system writes.
  var format = supportedFormat
  /// What the type of the model is called.
  var modelName: String
  /// What random numbers begin with.
  var seed: UInt64

  static func read(
    _ trees: PrevalentTrees, in view: some TreeReader
  ) throws(PrevalenceError) -> SystemInformation {
    let bytes = try PrevalenceError.wrapping { () throws(EngineError) in
      try view.value(forKey: PrevalentKey.information, in: trees.information)
    }
    guard let bytes else { throw .damagedEntry(number: 0, reason: "the information is missing") }
    return try decode(bytes)
  }

  static func decode(_ bytes: [UInt8]) throws(PrevalenceError) -> SystemInformation {
    let information: SystemInformation
    do {
      let found = try BinaryCodec<FormatOnly>().decode(bytes[...]).format
      guard found <= supportedFormat else {
        throw PrevalenceError.unsupportedFormat(found: found, supported: supportedFormat)
      }
      guard found > 0 else {
        throw PrevalenceError.damagedEntry(number: 0, reason: "the information has format \(found)")
      }
      information = try BinaryCodec<SystemInformation>().decode(bytes[...])
    } catch let error as PrevalenceError {
      throw error
    } catch {
      throw .damagedEntry(number: 0, reason: "the information cannot be read: \(error)")
    }
    return information
  }

  func encoded() throws(PrevalenceError) -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      try BinaryCodec<SystemInformation>().encode(self, into: &bytes)
    } catch {
      throw .invalidOptions("\(error)")
    }
    return bytes
  }
}

/// The field that later formats have too.
struct FormatOnly: Codable {
  var format: Int
}
