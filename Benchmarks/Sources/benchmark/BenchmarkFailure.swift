// SPDX-License-Identifier: Apache-2.0

/// Why a measurement cannot be made.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
