// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import StorageEngine

/// Whether a leader waits for those who are about to commit again.
struct GatheringTests {
  private func expect(_ gathering: inout Gathering, having count: Int, waits: Bool) {
    let isWorthwhile = gathering.isWorthwhile(having: count)
    #expect(isWorthwhile == waits)
  }

  private func after(_ flush: Duration, _ participants: Int) -> Gathering {
    var gathering = Gathering()
    gathering.noteFlush(lasting: flush, participants: participants)
    return gathering
  }

  @Test
  func `a lone thread waits for nobody`() {
    var first = Gathering()
    expect(&first, having: 1, waits: false)
    var later = after(.milliseconds(1), 1)
    expect(&later, having: 1, waits: false)
  }

  @Test
  func `nobody is waited for who has come already`() {
    var gathering = after(.milliseconds(1), 8)
    expect(&gathering, having: 7, waits: true)
    expect(&gathering, having: 8, waits: false)
    expect(&gathering, having: 9, waits: false)
  }

  @Test
  func `a wait takes half a flush at most, and 50 microseconds`() {
    #expect(after(.microseconds(60), 2).limit == .microseconds(30))
    #expect(after(.milliseconds(60), 2).limit == .microseconds(50))
    #expect(Gathering().limit == .zero)
  }

  @Test
  func `after four waits in vain only every 32nd is made, until one was not in vain`() {
    var gathering = after(.milliseconds(1), 8)
    for _ in 0..<4 {
      expect(&gathering, having: 1, waits: true)
      gathering.noteWait(gained: 0)
    }
    var waits = 0
    for _ in 0..<64 where gathering.isWorthwhile(having: 1) {
      waits += 1
      gathering.noteWait(gained: 0)
    }
    #expect(waits == 2)
    gathering.noteWait(gained: 1)
    expect(&gathering, having: 1, waits: true)
  }

  @Test
  func `threads that commit over and over share flushes, and one left alone goes on`() throws {
    try withStore { store in
      try store.commit([.createTree("main")])
      store.disk.setFlushDelay(microseconds: 200)
      let before = store.disk.flushes
      let database = store.database
      try runThreads(8) { thread in
        for number in 0..<50 {
          try database.write { try Workload.put("main", "\(thread) \(number)", [1]).apply(to: $0) }
        }
      }
      #expect(store.disk.flushes - before < 400)
      store.disk.setFlushDelay(microseconds: 0)
      for number in 0..<100 { try store.commit([Workload.put("main", "alone \(number)", [1])]) }
    }
  }
}
