// SPDX-License-Identifier: Apache-2.0

import Foundation
import Workloads

/// What one run of one engine came to, in a process of its own.
struct EngineMeasurement: Codable {
  let engine: String
  /// Seconds of a durable write, measured just before and just after.
  var floor: [Double]
  var figures: [Figure]

  /// Runs an engine in this process and prints what it came to as JSON.
  static func run(_ kind: any MeasuredEngineKind, in folder: String, size: Int, rows: Set<Row>)
    throws
  {
    var floor = [Report.median(try FlushFloor.measure(at: folder + "/floor", count: 1000))]
    let workload = CoreWorkload(kind, in: folder, size: size, rows: rows) { row in
      FileHandle.standardError.write(Data("\(kind.name): \(row.rawValue)\n".utf8))
    }
    let figures = try workload.run()
    floor.append(Report.median(try FlushFloor.measure(at: folder + "/floor", count: 1000)))
    let measurement = EngineMeasurement(engine: kind.name, floor: floor, figures: figures)
    print(String(decoding: try JSONEncoder().encode(measurement), as: UTF8.self))
  }
}
