// SPDX-License-Identifier: Apache-2.0

@main struct Recordctl { static func main() {} }
