// SPDX-License-Identifier: Apache-2.0

import Records
import StorageEngine

extension Article: Record {
  /// Where the records are.
  public static let collection = "articles"
}

/// This store's own record layer, with defaults but for the cache; it journals every change.
final class RecordsLayer: MeasuredLayer {
  private let store: RecordStore
  private let articles: Repository<Article>

  init(in folder: String) throws {
    var configuration = Configuration()
    configuration.cacheBytes = 1 << 30
    store = try RecordStore.create(at: folder + "/store.records", configuration: configuration)
    articles = Repository(store)
  }

  func insert(_ new: [Article]) throws {
    try store.write(durability: .synced) { transaction in
      for article in new { try articles.save(article, in: transaction) }
    }
  }

  func insertEach(_ new: [Article], flushed: Bool) throws {
    for article in new {
      try store.write(durability: flushed ? .synced : .manual) { transaction in
        _ = try articles.save(article, in: transaction)
      }
    }
  }

  func fetchAll() throws -> [Article] { try articles.all() }

  func fetch(_ ids: [Int]) throws -> [Article] {
    try store.read { view in try ids.compactMap { try articles.find($0, in: view) } }
  }

  func close() throws { try store.close() }
}
