-- why: what every part of Parley stands on from the first day: workspaces that
-- separate clients, the event spine with erasable leaves, durable jobs, media
-- by content, leased node numbers, and settings of the installation itself.

create table workspace (
  id bigint primary key,
  slug text not null unique check (length(slug) between 1 and 40),
  name text not null check (length(name) between 1 and 200),
  locale text not null,
  zone text not null,
  created bigint not null,
  closed bigint not null,
  -- days that messages of outside people are kept; 0: as long as the network allows
  keep_days bigint not null check (keep_days >= 0)
);

-- The spine. n is the workspace's own count and its commit order. leaf is the
-- RFC 6962 leaf hash of the row; sealed is the salted hash of personal details,
-- whose plain text stands in event_personal until somebody is erased.
create table event (
  workspace bigint not null references workspace (id),
  n bigint not null check (n > 0),
  at bigint not null,
  actor_kind text not null check (actor_kind in ('member', 'system')),
  actor bigint not null,
  actor_part text not null,
  verb text not null,
  kind text not null,
  subject bigint not null,
  details text not null,
  sealed bytea,
  leaf bytea not null,
  primary key (workspace, n)
);
create index event_subject on event (workspace, kind, subject, n);

create table event_head (
  workspace bigint primary key references workspace (id),
  n bigint not null
);

create table event_personal (
  workspace bigint not null,
  n bigint not null,
  about bigint not null,
  salt bytea not null,
  details text not null,
  primary key (workspace, n),
  foreign key (workspace, n) references event (workspace, n)
);
create index event_personal_about on event_personal (workspace, about);

-- How far each consumer of the spine has read.
create table event_cursor (
  workspace bigint not null references workspace (id),
  consumer text not null,
  n bigint not null,
  primary key (workspace, consumer)
);

-- workspace 0 is the installation's own work, so there is no foreign key.
create table job (
  id bigint primary key,
  workspace bigint not null,
  kind text not null,
  key text not null,
  payload bytea not null,
  due bigint not null,
  attempt bigint not null,
  owner text not null,
  lease bigint not null,
  state text not null check (state in ('waiting', 'running', 'done', 'failed')),
  error text not null,
  created bigint not null,
  finished bigint not null
);
create unique index job_key on job (workspace, kind, key) where state in ('waiting', 'running') and key <> '';
create index job_due on job (due) where state = 'waiting';
create index job_lease on job (lease) where state = 'running';
create index job_finished on job (finished) where state in ('done', 'failed');

create table node (
  number bigint primary key check (number between 0 and 1023),
  owner text not null,
  lease bigint not null,
  seen bigint not null
);

create table setting (
  name text primary key,
  value bytea not null
);

create table media (
  workspace bigint not null references workspace (id),
  digest bytea not null,
  kind text not null,
  mime text not null,
  width bigint not null,
  height bigint not null,
  size bigint not null check (size >= 0),
  created bigint not null,
  refs bigint not null check (refs >= 0),
  primary key (workspace, digest)
);

create table media_chunk (
  workspace bigint not null,
  digest bytea not null,
  n bigint not null,
  bytes bytea not null,
  primary key (workspace, digest, n),
  foreign key (workspace, digest) references media (workspace, digest)
);

create table media_ref (
  workspace bigint not null,
  digest bytea not null,
  kind text not null,
  subject bigint not null,
  primary key (workspace, digest, kind, subject),
  foreign key (workspace, digest) references media (workspace, digest)
);
create index media_ref_subject on media_ref (workspace, kind, subject);
