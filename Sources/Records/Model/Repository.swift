// SPDX-License-Identifier: Apache-2.0

/// Finds, saves and deletes the models of one type.
///
/// Each call is a unit of work of its own, unless it is given the transaction or view to work in:
///
/// ```swift
/// try store.write { transaction in
///   var person = try people.find("ada", in: transaction)
///   person?.visits += 1
///   if let person { try people.save(person, in: transaction) }
/// }
/// ```
public struct Repository<Model: Record>: Sendable {
  /// The store.
  public let store: RecordStore

  /// The models of a store.
  public init(_ store: RecordStore) {
    self.store = store
  }

  /// Finds the model of an identity; `nil` when there is none.
  ///
  /// - Throws: `ModelError` when the record is no such model.
  public func find(_ id: Model.ID) throws -> Model? {
    try store.read { try find(id, in: $0) }
  }

  /// Finds the model of an identity in a view or transaction; `nil` when there is none.
  ///
  /// - Throws: `ModelError` when the record is no such model.
  public func find(_ id: Model.ID, in reader: some RecordReader) throws -> Model? {
    try reader.get(Model.collection, id.recordKey).map {
      try ModelDecoder.model(Model.self, from: $0)
    }
  }

  /// Lists all models in the order of their keys.
  ///
  /// - Throws: `ModelError` for the first record that is no such model.
  public func all() throws -> [Model] {
    try store.read { try all(in: $0) }
  }

  /// Lists all models in a view or transaction in the order of their keys.
  ///
  /// - Throws: `ModelError` for the first record that is no such model.
  public func all(in reader: some RecordReader) throws -> [Model] {
    var models: [Model] = []
    var records = try reader.records(in: Model.collection)
    while let record = try records.next() {
      models.append(try ModelDecoder.model(Model.self, from: record))
    }
    return models
  }

  /// Writes the fields of a model that differ from what is stored.
  ///
  /// Properties that are `nil` become absent. Fields that the model does not have stay as they
  /// are. Returns whether anything was written.
  ///
  /// - Throws: `ModelError` for a model that cannot be stored.
  @discardableResult
  public func save(_ model: Model) throws -> Bool {
    try store.write { try save(model, in: $0) }
  }

  /// Writes, in a transaction, the fields of a model that differ from what is stored.
  ///
  /// - Throws: `ModelError` for a model that cannot be stored.
  @discardableResult
  public func save(_ model: Model, in transaction: RecordTransaction) throws -> Bool {
    try transaction.patch(
      Model.collection, model.id.recordKey, ModelEncoder.fields(of: model))
  }

  /// Deletes the model of an identity; returns whether there was one.
  @discardableResult
  public func delete(_ id: Model.ID) throws -> Bool {
    try store.write { try delete(id, in: $0) }
  }

  /// Deletes, in a transaction, the model of an identity; returns whether there was one.
  @discardableResult
  public func delete(_ id: Model.ID, in transaction: RecordTransaction) throws -> Bool {
    try transaction.delete(Model.collection, id.recordKey)
  }
}
