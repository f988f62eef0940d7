/** @file The tables of the embedded store. What may not be true of the rows, the tables refuse. */

/** The size up to which a blob is a row; larger ones are files, since they would swell the log that every commit syncs. */
export const MAX_INLINE_BYTES = 2 ** 20;

/** What takes a database from version `i` to `i + 1`; `user_version` counts how many it has had. */
export const MIGRATIONS: readonly string[] = [
  `
  create table sessions (
    tenant text not null,
    id text not null,
    created_at integer not null,
    expires_at integer not null,
    ttl integer not null,
    revision integer not null,
    primary key (tenant, id)
  ) strict, without rowid;
  create index sessions_by_expiry on sessions (expires_at);

  -- The digest is of the tenant and the content, so it is one tenant's.
  create table blobs (
    digest text primary key,
    tenant text not null,
    bytes integer not null,
    content blob, -- null: a file of that name
    check (length(content) = bytes)
  ) strict;
  create index blobs_of_tenant on blobs (tenant, digest, bytes);

  create table variables (
    tenant text not null,
    session text not null,
    name text not null,
    dtype text not null,
    shape text not null,
    trainable integer not null,
    version integer not null,
    value text not null references blobs,
    primary key (tenant, session, name),
    foreign key (tenant, session) references sessions on delete cascade
  ) strict, without rowid;
  create index variables_by_value on variables (value);

  create table entries (
    id integer primary key, -- of one log: in the order of appending
    tenant text not null,
    session text not null,
    log text not null,
    json text not null,
    foreign key (tenant, session) references sessions on delete cascade
  ) strict;
  create index entries_of_log on entries (tenant, session, log, id);

  create table entry_blobs (
    entry integer not null references entries on delete cascade,
    place integer not null,
    digest text not null references blobs,
    primary key (entry, place)
  ) strict, without rowid;
  create index entry_blobs_by_digest on entry_blobs (digest);

  create table replies (
    tenant text not null,
    key text not null,
    fingerprint text not null,
    response text not null references blobs,
    expires_at integer not null,
    primary key (tenant, key)
  ) strict, without rowid;
  create index replies_by_response on replies (response);
  create index replies_by_expiry on replies (expires_at);

  create table operations (
    tenant text not null,
    id text not null,
    method text not null,
    request text not null references blobs,
    state text not null,
    progress text,
    response text references blobs,
    error text,
    created_at integer not null,
    expires_at integer not null,
    attempts integer not null,
    primary key (tenant, id)
  ) strict, without rowid;
  create index operations_by_request on operations (request);
  create index operations_by_response on operations (response);
  create index operations_by_expiry on operations (expires_at);
  create index operations_running on operations (created_at) where state = 'running';
  `,
];
