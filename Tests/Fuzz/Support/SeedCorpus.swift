// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Valid inputs to start from, made by the code that writes them, so that they never grow old.
public enum SeedCorpus {
  /// Writes the seeds into the corpus folder that ends the command line, if one does.
  ///
  /// What the fuzzer finds is added to that folder, so each seed has a name of its own.
  public static func plant(_ seeds: [[UInt8]]) {
    guard let folder = CommandLine.arguments.dropFirst().last, isFolder(folder) else { return }
    for (number, seed) in seeds.enumerated() { write(seed, to: "\(folder)/seed-\(number)") }
  }

  private static func isFolder(_ path: String) -> Bool {
    guard let folder = unsafe opendir(path) else { return false }
    _ = unsafe closedir(folder)
    return true
  }

  private static func write(_ bytes: [UInt8], to path: String) {
    guard let file = unsafe fopen(path, "w") else { fatalError("\(path) cannot be written") }
    let count = unsafe fwrite(bytes, 1, bytes.count, file)
    require(unsafe fclose(file) == 0 && count == bytes.count, "\(path) cannot be written")
  }
}
