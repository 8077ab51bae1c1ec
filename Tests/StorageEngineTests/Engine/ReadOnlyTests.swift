// SPDX-License-Identifier: Apache-2.0

import StorageEngine
import TestSupport
import Testing

/// Stores that are opened for reading only.
struct ReadOnlyTests {
  private static func fill(_ store: TestStore) throws -> Model {
    var model = Model()
    var random = SplitMix64(seed: 12)
    try store.commit([.createTree("main")], to: &model)
    for _ in 0..<10 { try store.commit(Workload.puts(60, of: 10...2000, &random), to: &model) }
    try store.commit([Workload.put("main", "large", random.bytes(200_000))], to: &model)
    return model
  }

  private static func open(_ disk: SimulatedDisk) throws -> Database {
    var configuration = Configuration.testing(scheduler: ManualScheduler())
    configuration.isReadOnly = true
    return try Database.open(on: disk, configuration: configuration)
  }

  @Test(arguments: [true, false])
  func `a read-only store shows what is there and leaves the file as it is`(isClosed: Bool) throws {
    let store = try TestStore()
    let model = try Self.fill(store)
    if isClosed { try store.database.close() }
    let image = store.disk.image
    for _ in 0..<2 {
      let disk = SimulatedDisk(image)
      let database = try Self.open(disk)
      try model.verify(try database.snapshot())
      try database.close()
      #expect(disk.mutations == 0)
    }
  }

  @Test
  func `a read-only store refuses every change`() throws {
    let store = try TestStore()
    _ = try Self.fill(store)
    try store.database.close()
    let database = try Self.open(SimulatedDisk(store.disk.image))
    #expect(throws: EngineError.readOnly) { try database.write { _ in } }
    #expect(throws: EngineError.readOnly) { _ = try database.compact() }
    #expect(throws: NamedSnapshotError.self) { _ = try database.createSnapshot(named: "kept") }
    let transaction = try database.begin()
    let tree = try #require(try transaction.tree(named: "main"))
    try transaction.put([1], forKey: [1], in: tree)
    #expect(throws: TransactionError.engine(.readOnly)) { try transaction.commit() }
    try database.close()
  }

  @Test
  func `several may have one file open for reading, and none beside a writer`() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/shared.store"
      let writer = try Database.create(at: path)
      var configuration = Configuration()
      configuration.isReadOnly = true
      #expect(throws: EngineError.self) {
        _ = try Database.open(at: path, configuration: configuration)
      }
      try writer.close()
      let first = try Database.open(at: path, configuration: configuration)
      let second = try Database.open(at: path, configuration: configuration)
      #expect(throws: EngineError.self) { _ = try Database.open(at: path) }
      try first.close()
      try second.close()
      try Database.open(at: path).close()
    }
  }
}
