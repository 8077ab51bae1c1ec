// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import PeerSync

extension HTTPField.Name {
  /// Names the kind of an error, for programs; the body is a sentence for people.
  static let recordStoreError: Self = {
    guard let name = HTTPField.Name("Record-Store-Error") else { return .contentType }
    return name
  }()
}

extension SyncError.Code {
  /// The status under which the kind is answered.
  var status: HTTPResponse.Status {
    switch self {
    case .unauthorized: .unauthorized
    case .refused: .forbidden
    case .notFound: .notFound
    case .storeMismatch, .fork, .rollback: .conflict
    case .corrupt, .incompatible: .badRequest
    case .tooLarge: .contentTooLarge
    case .timeout: .requestTimeout
    case .busy: .serviceUnavailable
    case .clock, .store, .failed, .unreachable: .internalServerError
    }
  }
}

extension Response {
  /// Answers with an error.
  ///
  /// What failed inside our store stays inside: it may name files.
  init(_ error: SyncError) {
    let isOurs = error.code == .store
    // A request that breaks off is told to those who still listen.
    let isCut = error.code == .unreachable
    let code: SyncError.Code = isOurs ? .failed : isCut ? .corrupt : error.code
    let message = isOurs ? "the store failed" : isCut ? "the request broke off" : error.message
    var headers: HTTPFields = [
      .contentType: MediaType.text, .recordStoreError: code.rawValue,
      .cacheControl: "no-store",
    ]
    if code == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
    if let seconds = error.retryAfter { headers[.retryAfter] = "\(seconds)" }
    self.init(
      status: code.status, headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(string: message + "\n")))
  }

  /// Answers with bytes.
  init(bytes: [UInt8], type: String) {
    self.init(
      status: .ok, headers: [.contentType: type, .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }
}
