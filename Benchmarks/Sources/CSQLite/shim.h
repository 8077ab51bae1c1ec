// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sqlite3.h>

// Swift cannot call a function with varargs.
static inline int peers_sqlite_without_memory_statistics(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
