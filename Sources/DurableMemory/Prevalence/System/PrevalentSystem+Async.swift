// SPDX-License-Identifier: Apache-2.0

public import StorageEngine

/// The same for tasks: no thread is held up while the disk works.
extension PrevalentSystem {
  /// Executes a command and returns its result when it is as durable as asked.
  ///
  /// When the task is cancelled, the command is executed and waited for all the same.
  ///
  /// - Throws: What the command throws; `PrevalenceError`.
  @discardableResult
  public func execute<C: Command>(
    _ command: C, durability: Durability? = nil
  ) async throws -> C.Result where C.Model == Model {
    try await submit(command, durability: durability).settled()
  }

  /// Runs `body` on the state after the last command that is as durable as was asked for it; what it
  /// sees stays as it is while it waits.
  ///
  /// - Throws: What `body` throws; `PrevalenceError`.
  public func query<R>(_ body: (Model) async throws -> R) async throws -> R {
    let view = try view()
    return try await body(view.model)
  }
}

extension Submission {
  /// Waits until the command is as durable as asked and queries see it, and returns the result.
  ///
  /// - Throws: `PrevalenceError.engine(.poisoned)` when the disk has failed: the command may be lost.
  @discardableResult
  public func settled() async throws(PrevalenceError) -> Result {
    guard promise.commit > 0 else { return result }
    let system = system
    try await system.waiting.wait(for: promise) { promise throws(PrevalenceError) in
      try system.settle(promise)
    }
    return result
  }
}
