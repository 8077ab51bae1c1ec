// SPDX-License-Identifier: Apache-2.0

import GRDB

/// GRDB: structs in SQLite.
///
/// Its settings, and why:
/// - `DatabasePool`, which is what GRDB's author advises: a write-ahead log, with readers beside the
///   one writer.
/// - `synchronous=FULL`, where GRDB sets `NORMAL`: with that, a commit may be lost with the power.
///   It is `OFF` for transactions without a flush.
/// - Rows are read and written by hand, a column by its place: `Codable`, which GRDB offers too, is
///   slower. Inserting uses GRDB's record methods, which cache the statement; fetching by key uses a
///   cached statement, as a request would make its SQL anew each time.
/// - The key is an integer, the place of the row. The table has no other index.
/// - A transaction of one row is a statement outside of a transaction, which is one by itself and
///   saves a `BEGIN` and a `COMMIT`.
/// - Fetches by key are done within one read, so that none has to wait for a connection.
/// - `cache_size` and `mmap_size` as with SQLite itself; `secure_delete=OFF`, as SQLite's own
///   default is and that of Debian's library is not.
final class GRDBLayer: MeasuredLayer {
  private let pool: DatabasePool

  init(in folder: String) throws {
    var configuration = Configuration()
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA cache_size=-\((1 << 30) / 1024)")
      try database.execute(sql: "PRAGMA mmap_size=\(16 << 30)")
      try database.execute(sql: "PRAGMA secure_delete=OFF")
    }
    pool = try DatabasePool(path: folder + "/store.sqlite", configuration: configuration)
    try setFlushes(true)
    try pool.write { database in
      try database.create(table: Article.databaseTableName) { table in
        table.primaryKey("id", .integer)
        table.column("name", .text).notNull()
        table.column("note", .text).notNull()
        table.column("quantity", .integer).notNull()
        table.column("price", .double).notNull()
      }
    }
  }

  /// SQLite lets it change outside of transactions only.
  private func setFlushes(_ wanted: Bool) throws {
    try pool.writeWithoutTransaction { database in
      try database.execute(sql: "PRAGMA synchronous=" + (wanted ? "FULL" : "OFF"))
      let found = try Int.fetchOne(database, sql: "PRAGMA synchronous")
      guard found == (wanted ? 2 : 0) else {
        throw DatabaseError(message: "PRAGMA synchronous is \(found ?? -1)")
      }
    }
  }

  func insert(_ articles: [Article]) throws {
    try pool.write { database in
      for article in articles { try article.insert(database) }
    }
  }

  func insertEach(_ articles: [Article], flushed: Bool) throws {
    try setFlushes(flushed)
    for article in articles {
      try pool.writeWithoutTransaction { try article.insert($0) }
    }
    try setFlushes(true)
  }

  func fetchAll() throws -> [Article] {
    try pool.read { database in
      let statement = try database.cachedStatement(
        sql: "SELECT id, name, note, quantity, price FROM article ORDER BY id")
      return try Article.fetchAll(statement)
    }
  }

  func fetch(_ ids: [Int]) throws -> [Article] {
    try pool.read { database in
      let statement = try database.cachedStatement(
        sql: "SELECT id, name, note, quantity, price FROM article WHERE id = ?")
      return try ids.compactMap { try Article.fetchOne(statement, arguments: [$0]) }
    }
  }

  func close() throws { try pool.close() }
}

extension Article: FetchableRecord, PersistableRecord {
  /// What GRDB calls the table.
  public static let databaseTableName = "article"

  /// Reads the columns by their places.
  public init(row: Row) throws {
    self.init(id: row[0], name: row[1], note: row[2], quantity: row[3], price: row[4])
  }

  /// Names the columns.
  public func encode(to container: inout PersistenceContainer) throws {
    container["id"] = id
    container["name"] = name
    container["note"] = note
    container["quantity"] = quantity
    container["price"] = price
  }
}
