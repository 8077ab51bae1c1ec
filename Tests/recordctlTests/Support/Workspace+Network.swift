// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension Workspace {
  /// Makes a self-signed certificate for localhost.
  func makeCertificate(_ certificate: String, key: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
      "-keyout", path(key), "-out", path(certificate), "-days", "2", "-subj", "/CN=localhost",
      "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl could not make a certificate")
  }

  /// Runs a Python program of a few lines, for what neither the tool nor Foundation offers.
  func python(_ program: String, _ arguments: String...) async throws -> Tool.Outcome {
    try await RunningTool(
      "/usr/bin/env", ["python3", "-c", program] + arguments, in: folder
    ).outcome()
  }

  /// Sends bytes to a port of this machine and returns all that comes back.
  func exchange(_ request: String, port: Int) async throws -> String {
    let program = """
      import socket, sys
      with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10) as connection:
        connection.sendall(sys.argv[2].encode())
        while chunk := connection.recv(65536):
          sys.stdout.buffer.write(chunk)
      """
    return try await python(program, "\(port)", request).text
  }
}
