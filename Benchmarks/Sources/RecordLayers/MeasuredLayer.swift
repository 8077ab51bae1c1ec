// SPDX-License-Identifier: Apache-2.0

/// A record layer as its workload uses it: it stores structs by their keys.
public protocol MeasuredLayer: AnyObject {
  /// Inserts new articles in one durable transaction.
  func insert(_ articles: [Article]) throws

  /// Inserts each new article in a transaction of its own; `flushed` asks for those that survive
  /// power loss.
  func insertEach(_ articles: [Article], flushed: Bool) throws

  /// Fetches all articles in the order of their keys.
  func fetchAll() throws -> [Article]

  /// Fetches articles by their keys, one call each, from one state; leaves out what is not there.
  func fetch(_ ids: [Int]) throws -> [Article]

  /// Ends everything, in order.
  func close() throws
}

/// How a record layer of a kind is made.
public struct LayerKind: Sendable {
  /// The name that command lines use.
  public let name: String
  /// Its name and version, as tables show it.
  public let title: String
  /// Opens a new store in an empty folder.
  public let open: @Sendable (_ folder: String) throws -> any MeasuredLayer

  /// The layers that are measured, the store's own first.
  public static let all = [
    LayerKind(name: "records", title: "Records") { try RecordsLayer(in: $0) },
    LayerKind(name: "grdb", title: "GRDB 7.10.0") { try GRDBLayer(in: $0) },
  ]
}
