// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import PeerSyncHTTP

/// A self-signed certificate in files.
struct TestCertificate: Sendable {
  let certificatePath: String
  let keyPath: String

  /// Has openssl make one, valid for these names.
  init(named names: String, in folder: String, _ file: String) throws {
    certificatePath = "\(folder)/\(file).pem"
    keyPath = "\(folder)/\(file).key"
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
      "-keyout", keyPath, "-out", certificatePath, "-days", "2", "-subj", "/CN=record store test",
      "-addext", "subjectAltName=\(names)",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl could not make a certificate")
  }

  var server: ServerCertificate {
    ServerCertificate(certificatePath: certificatePath, keyPath: keyPath)
  }
}
