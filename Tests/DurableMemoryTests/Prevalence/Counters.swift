// SPDX-License-Identifier: Apache-2.0
import Testing
@testable import DurableMemory
struct PlaceholderTests { @Test func `x`() { let s = LockedState(1); #expect(s.withLock { $0 } == 1) } }
