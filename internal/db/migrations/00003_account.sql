-- why: our handles on the networks. Their credentials are sealed and change by
-- compare-and-swap; every stream of things to read has a bookmark and a lease
-- whose generation fences it; every refusal is kept until it is over, so that
-- an account is seen to be ill before it is dead.

create table account (
  workspace bigint not null references workspace (id),
  id bigint not null,
  network text not null,
  instance text not null,
  remote_id text not null,
  handle text not null,
  name text not null,
  url text not null,
  avatar text not null,
  app text not null,
  scopes text not null,
  extra text not null,
  -- disconnected: by a member. broken: only a member can mend it (reason says how)
  state text not null check (state in ('connected', 'broken', 'disconnected')),
  reason text not null,
  message text not null,
  -- catalogue key of a more precise sentence than the reason
  help text not null default '',
  since bigint not null,
  secret bytea not null,
  secret_generation bigint not null,
  secret_expires bigint not null,
  secret_refresh_by bigint not null,
  -- who refreshes the credential just now
  refresh_owner text not null,
  refresh_lease bigint not null,
  capabilities bytea not null,
  capabilities_until bigint not null,
  -- how an answer shows who wrote it: '' not at all, 'caret' as ^Name
  signature text not null check (signature in ('', 'caret')),
  simulated bigint not null check (simulated in (0, 1)),
  created bigint not null,
  created_by bigint not null,
  primary key (workspace, id),
  unique (workspace, network, instance, remote_id)
);

create table account_feed (
  workspace bigint not null,
  account bigint not null,
  feed text not null,
  -- 0: the network does not offer it at present; the bookmark waits for its return
  offered bigint not null check (offered in (0, 1)),
  cursor bytea not null,
  -- the lease: whoever holds the generation may move the bookmark
  owner text not null,
  generation bigint not null,
  lease bigint not null,
  due bigint not null,
  -- 1: something new was announced while it was being read
  hinted bigint not null check (hinted in (0, 1)),
  tried bigint not null,
  worked bigint not null,
  failures bigint not null,
  -- the last refusal while failures > 0
  kind text not null,
  native text not null,
  message text not null,
  help text not null,
  -- when something may have been lost, and why (catalogue key), until a member
  -- says that they have looked
  gap bigint not null,
  gap_why text not null,
  rate_limit bigint not null,
  rate_left bigint not null,
  rate_reset bigint not null,
  primary key (workspace, account, feed),
  foreign key (workspace, account) references account (workspace, id)
);
create index account_feed_due on account_feed (due);

-- Reading the past, newest first, with how far it got.
create table account_import (
  workspace bigint not null,
  account bigint not null,
  feed text not null,
  since bigint not null,
  cursor bytea not null,
  oldest bigint not null,
  found bigint not null,
  started bigint not null,
  finished bigint not null,
  -- why it pauses, and until when; 0: not known
  kind text not null,
  message text not null,
  help text not null,
  resumes bigint not null,
  primary key (workspace, account, feed),
  foreign key (workspace, account) references account (workspace, id)
);

-- Our registration at an instance. It belongs to the installation, because the
-- instance knows the installation by its address, not the workspace.
create table network_app (
  network text not null,
  instance text not null,
  redirect text not null,
  app text not null,
  secret bytea not null,
  created bigint not null,
  primary key (network, instance, redirect)
);

-- A connection begun at a network's consent page.
create table account_begin (
  workspace bigint not null references workspace (id),
  id bigint not null,
  hash bytea not null unique,
  member bigint not null,
  network text not null,
  -- the account that is being reconnected; 0: any
  account bigint not null,
  -- what the member typed, to show again beside a refusal
  hint text not null,
  blob bytea not null,
  until bigint not null,
  primary key (workspace, id)
);
create index account_begin_until on account_begin (until);
