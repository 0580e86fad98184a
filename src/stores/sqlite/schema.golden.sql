PRAGMA user_version = 4;

CREATE TABLE account (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alert (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE INDEX alert_by_status ON alert (status, key);

CREATE TABLE audit (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE break (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE INDEX break_by_status ON break (status, key);

CREATE TABLE breaker (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE clock (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE control (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE INDEX dead_letter_by_status ON dead_letter (status, key);

CREATE TABLE details (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  payment_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  UNIQUE (payment_id, seq)
) STRICT;

CREATE TABLE key (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE look_alike (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE payment (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  account TEXT NOT NULL,
  agent TEXT NOT NULL,
  state TEXT NOT NULL,
  reference TEXT NOT NULL,
  holds TEXT NOT NULL,
  due_at_ms INTEGER,
  run INTEGER NOT NULL
) STRICT;

CREATE INDEX payment_by_account ON payment (account, key);

CREATE INDEX payment_by_agent ON payment (agent, key);

CREATE INDEX payment_by_reference ON payment (reference, key);

CREATE INDEX payment_by_state ON payment (state, key);

CREATE INDEX payment_due ON payment (due_at_ms, key) WHERE due_at_ms IS NOT NULL;

CREATE INDEX payment_held ON payment (key) WHERE holds <> '';

CREATE TABLE publisher (
  name TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reconciliation (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE INDEX reconciliation_by_status ON reconciliation (status, key);

CREATE TABLE reference (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE slot (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
  key TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  value TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL,
  observed_at_ms INTEGER
) STRICT;

CREATE INDEX webhook_unmatched ON webhook (received_at_ms, key) WHERE observed_at_ms IS NULL;
