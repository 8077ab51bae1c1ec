// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// How much the tests of this process have done; said when it ends, whatever was chosen to run.
public enum Tally {
  private static let images = Atomic<Int>(0)
  private static let seeds = Atomic<Int>(0)
  private static let announcement: Void = { _ = atexit { Tally.say() } }()

  /// Counts a store that was opened after a power cut and found to be what it had to be.
  public static func countCrashImage() {
    _ = announcement
    images.add(1, ordering: .relaxed)
  }

  /// Counts a seed whose random operations of several threads ended as their model.
  public static func countModelSeed() {
    _ = announcement
    seeds.add(1, ordering: .relaxed)
  }

  private static func say() {
    print(
      "Tally: \(images.load(ordering: .relaxed)) crash images,",
      "\(seeds.load(ordering: .relaxed)) model seeds")
  }
}
