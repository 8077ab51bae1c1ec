// SPDX-License-Identifier: Apache-2.0

/// The arguments as the system passes them.
///
/// `CommandLine.arguments` repairs what is not UTF-8, so that two different keys could become one.
enum ProcessArguments {
  /// The place of the first argument that is not UTF-8, counted from 1.
  static func firstInvalid() -> Int? {
    (1..<max(1, Int(CommandLine.argc))).first { place in
      guard let argument = unsafe CommandLine.unsafeArgv[place] else { return false }
      return unsafe String(validatingCString: argument) == nil
    }
  }
}
