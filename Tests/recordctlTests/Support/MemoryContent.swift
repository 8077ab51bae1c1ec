// SPDX-License-Identifier: Apache-2.0

import DurableMemory
import StorageEngine

/// A command that counts.
struct Increase: Command, Codable {
  func execute(on model: inout Int, in context: inout CommandContext) -> Int {
    model += 1
    return model
  }
}

/// Makes a system whose first commands are in an image alone.
func fillImage(_ database: Database) throws {
  var registry = CommandRegistry<Int>()
  registry.register(Increase.self)
  var options = PrevalentOptions<Int>()
  options.images.keptImages = 1
  let system = try PrevalentSystem.open(
    in: database, named: "counter", registry, options: options
  ) { 0 }
  for _ in 0..<3 { _ = try system.execute(Increase()) }
  try system.writeImage()
  _ = try system.execute(Increase())
  try system.close()
}

/// Makes two maps and a system.
func fillMemory(_ database: Database) throws {
  let scores = try DurableMap<String, Int>(named: "scores", in: database)
  try scores.set("né", -7)
  try scores.set("anna", 12)
  scores.close()
  let blobs = try DurableMap<UInt64, [UInt8]>(named: "blobs", in: database)
  try blobs.set(1, [1, 2, 3])
  try blobs.set(2, [UInt8](repeating: 9, count: 200_000))
  blobs.close()
  var registry = CommandRegistry<Int>()
  registry.register(Increase.self)
  let system = try PrevalentSystem.open(
    in: database, registry, options: PrevalentOptions<Int>()
  ) { 0 }
  for _ in 0..<2 { _ = try system.execute(Increase()) }
  try system.close()
}
