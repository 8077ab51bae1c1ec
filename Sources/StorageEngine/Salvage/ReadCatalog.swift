// SPDX-License-Identifier: Apache-2.0

/// What can be read of a catalog.
struct ReadCatalog {
  var trees = TreeSet()
  /// Why there may be more trees than these.
  var problem: EngineError?

  init(problem: EngineError) {
    self.problem = problem
  }

  init(of superblock: Superblock, _ pager: Pager) {
    do {
      _ = try ChainReader(pager: pager).read(superblock.catalog, .catalog) {
        Catalog.decode($0, into: &trees)
      }
    } catch {
      problem = error
    }
  }
}
