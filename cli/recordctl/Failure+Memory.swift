// SPDX-License-Identifier: Apache-2.0

import DurableMemory

extension Failure {
  init(_ error: DurableMapError) {
    switch error {
    case .engine(let error): self.init(error)
    case .damaged, .undecodable:
      self.init(.corrupt, error.description, hint: Self.restoreHint)
    case .unsupportedVersion: self.init(.schema, error.description, hint: Self.laterProgramHint)
    default: self.init(.failure, error.description)
    }
  }

  init(_ error: PrevalenceError) {
    switch error {
    case .engine(let error): self.init(error)
    case .damagedEntry, .damagedImage, .gap:
      self.init(.corrupt, error.description, hint: Self.restoreHint)
    case .unsupportedFormat: self.init(.schema, error.description, hint: Self.laterProgramHint)
    default: self.init(.failure, error.description)
    }
  }
}
