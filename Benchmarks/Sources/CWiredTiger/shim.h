// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string.h>
#include <wiredtiger.h>

// WiredTiger's interface is structures of function pointers, some with varargs, which Swift cannot
// call: one plain function for each that is used.

static inline int peers_wt_open(const char *home, const char *config, WT_CONNECTION **connection) {
  return wiredtiger_open(home, NULL, config, connection);
}

static inline int peers_wt_close(WT_CONNECTION *connection) {
  return connection->close(connection, NULL);
}

static inline int peers_wt_open_session(WT_CONNECTION *connection, WT_SESSION **session) {
  return connection->open_session(connection, NULL, NULL, session);
}

static inline int peers_wt_close_session(WT_SESSION *session) {
  return session->close(session, NULL);
}

static inline int peers_wt_create(WT_SESSION *session, const char *name, const char *config) {
  return session->create(session, name, config);
}

static inline int peers_wt_open_cursor(
    WT_SESSION *session, const char *name, WT_CURSOR **cursor) {
  return session->open_cursor(session, name, NULL, NULL, cursor);
}

static inline int peers_wt_begin(WT_SESSION *session, const char *config) {
  return session->begin_transaction(session, config);
}

static inline int peers_wt_commit(WT_SESSION *session, const char *config) {
  return session->commit_transaction(session, config);
}

static inline int peers_wt_rollback(WT_SESSION *session) {
  return session->rollback_transaction(session, NULL);
}

static inline int peers_wt_checkpoint(WT_SESSION *session) {
  return session->checkpoint(session, NULL);
}

// The cursor refers to the bytes until its next operation, and does not copy them here.
static inline void peers_wt_set_key(WT_CURSOR *cursor, const void *bytes, size_t count) {
  WT_ITEM item;
  memset(&item, 0, sizeof item);
  item.data = bytes;
  item.size = count;
  cursor->set_key(cursor, &item);
}

static inline void peers_wt_set_value(WT_CURSOR *cursor, const void *bytes, size_t count) {
  WT_ITEM item;
  memset(&item, 0, sizeof item);
  item.data = bytes;
  item.size = count;
  cursor->set_value(cursor, &item);
}

static inline int peers_wt_get_value(WT_CURSOR *cursor, const void **bytes, size_t *count) {
  WT_ITEM item;
  memset(&item, 0, sizeof item);
  int code = cursor->get_value(cursor, &item);
  *bytes = item.data;
  *count = item.size;
  return code;
}

static inline int peers_wt_insert(WT_CURSOR *cursor) { return cursor->insert(cursor); }
static inline int peers_wt_remove(WT_CURSOR *cursor) { return cursor->remove(cursor); }
static inline int peers_wt_search(WT_CURSOR *cursor) { return cursor->search(cursor); }
static inline int peers_wt_search_near(WT_CURSOR *cursor, int *exact) {
  return cursor->search_near(cursor, exact);
}
static inline int peers_wt_next(WT_CURSOR *cursor) { return cursor->next(cursor); }
static inline int peers_wt_reset(WT_CURSOR *cursor) { return cursor->reset(cursor); }
