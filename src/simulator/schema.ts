// The tables of the ledger. `body` holds the charge as JSON; the columns beside it exist because
// something is found by them.

export const schema = `
create table if not exists charge (
  seq integer primary key,
  id text not null unique,
  reference text not null,
  payment text,
  created_at_ms integer not null,
  due_at_ms integer,
  body text not null
) strict;
create index if not exists charge_by_reference on charge (reference);
create index if not exists charge_by_payment on charge (payment) where payment is not null;
create index if not exists charge_by_time on charge (created_at_ms, seq);
create index if not exists charge_due on charge (due_at_ms) where due_at_ms is not null;

create table if not exists movement (
  seq integer primary key,
  id text not null,
  type text not null,
  charge_id text not null,
  refund_id text,
  amount integer not null,
  currency text not null,
  created_at_ms integer not null,
  settles_at_ms integer not null,
  settlement_id text not null
) strict;
create index if not exists movement_by_time on movement (created_at_ms, seq);
create index if not exists movement_by_settlement on movement (settlement_id, settles_at_ms);

create table if not exists answered (
  seq integer primary key,
  key text not null unique,
  fingerprint text not null,
  status integer not null,
  body text not null,
  created_at_ms integer not null
) strict;

create table if not exists tally (
  scope text not null,
  subject text not null,
  count integer not null,
  primary key (scope, subject)
) strict, without rowid;

create table if not exists setting (
  name text primary key,
  value text not null
) strict, without rowid;
`
