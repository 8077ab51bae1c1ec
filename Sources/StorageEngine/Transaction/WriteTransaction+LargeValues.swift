// SPDX-License-Identifier: Apache-2.0

/// Values that are written to pages of their own before the commit.
extension WriteTransaction {
  /// Writes a large value to pages of its own now, so that memory need not hold it.
  func putDirect(
    _ value: [UInt8], forKey key: [UInt8], in tree: TreeID
  ) throws(EngineError) {
    try database.checkChangeable()
    let direct: DirectValue
    do throws(EngineError) {
      direct = try value.withBytes { (bytes) throws(EngineError) in
        try database.pager.writeDirectValue(bytes)
      }
    } catch {
      throw database.poisonIfBroken(error)
    }
    let encoded = direct.encoded
    directValues[encoded] = direct
    wroteDirectly = true
    set(.putDirect, key, in: tree, value: encoded)
  }

  func abandon(_ encoded: [UInt8]) {
    guard let direct = directValues.removeValue(forKey: encoded) else { return }
    // A cursor goes on showing what it showed when it was made.
    if cursorsShowLargeValues {
      keptForCursors.append(direct)
    } else {
      database.pager.abandon(direct)
    }
  }

  /// Gives back what was written ahead of a commit that will not come.
  func rollback() {
    for encoded in Array(directValues.keys) { abandon(encoded) }
    changes.abandonSpilled()
    end()
  }
}
