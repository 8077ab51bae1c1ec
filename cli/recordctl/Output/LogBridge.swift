// SPDX-License-Identifier: Apache-2.0

import Logging

/// Lets libraries tell through `Log` what they have to tell.
struct LogBridge: LogHandler {
  private let log: Log
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level

  init(_ log: Log) {
    self.log = log
    logLevel = log.level >= .information ? .info : .error
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let details = metadata.merging(event.metadata ?? [:]) { $1 }
      .sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let level: Log.Level =
      event.level >= .error ? .error : event.level >= .notice ? .notice : .information
    log.tell("\(event.level): \(event.message)\(details)", level)
  }
}
