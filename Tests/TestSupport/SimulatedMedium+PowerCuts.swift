// SPDX-License-Identifier: Apache-2.0

/// What a power cut leaves.
extension SimulatedMedium.State {
  /// The epoch in which a call was made.
  private func epoch(of call: Int) -> SimulatedMedium.Epoch {
    var low = 0
    var high = epochs.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if epochs[middle].firstCall <= call { low = middle } else { high = middle }
    }
    return epochs[low]
  }

  func crashImage(at call: Int, _ variant: CrashVariant, seed: UInt64) -> DiskImage {
    let epoch = epoch(of: call)
    var builder = CrashImageBuilder(durable: epoch.base, seed: seed)
    for layer in epoch.layers {
      if layer.isCertain {
        builder.apply(layer.effects)
      } else {
        builder.apply(layer.effects, variant: variant, interrupted: .max)
      }
    }
    builder.apply(
      epoch.effects.filter { $0.call <= call }, variant: variant, interrupted: call)
    return builder.finish()
  }

  /// Leaves out what would give the same image as another variant.
  func variants(at call: Int) -> [CrashVariant] {
    let epoch = epoch(of: call)
    let uncertain = epoch.layers.filter { !$0.isCertain }.flatMap(\.effects)
    let pending =
      uncertain
      + epoch.effects.filter { $0.call == call || $0.call < call && $0.certainty != .certain }
    if pending.isEmpty { return [.loseAll] }
    let resizes = pending.contains { effect in
      if case .resize = effect.change { true } else { false }
    }
    return CrashVariant.allCases.filter { variant in
      switch variant {
      case .sizeLost, .sizeOnly: resizes
      case .interrupted: pending.contains { $0.call == call }
      case .keepAll: pending.contains { $0.call < call }
      default: true
      }
    }
  }
}
