// SPDX-License-Identifier: Apache-2.0

import ChangeJournal

extension CBORReader {
  /// A problem at the place that has been reached.
  func failure(_ problem: CodingError.Problem) -> CodingError {
    CodingError(offset: position, problem: problem)
  }
}
