-- why: people sign in once per installation and belong to any number of
-- workspaces; what each may do is a grant with a reason, a giver and an end,
-- never a column on the person. Links, sessions and API tokens are kept as
-- SHA-256 of a random secret only: who reads this database can sign in as nobody.

-- Somebody who can sign in. Removing one empties what is personal; the row
-- stays because members, and what they signed, refer to it.
create table login (
  id bigint primary key,
  email text not null,
  -- the address as it looks: case, width and look-alike letters folded
  email_folded text not null,
  name text not null,
  -- argon2id in PHC string format
  password text not null,
  locale text not null,
  created bigint not null,
  removed bigint not null,
  check (removed <> 0 or (email <> '' and email_folded <> '' and password <> '')),
  check (removed = 0 or (email = '' and email_folded = '' and password = ''))
);
create unique index login_email on login (email_folded) where removed = 0;

-- One stay of a login in a workspace. Somebody who comes back gets a new row,
-- so that an old grant or team never comes back with them.
create table member (
  workspace bigint not null references workspace (id),
  id bigint not null,
  login bigint not null references login (id),
  name text not null check (length(name) between 1 and 200),
  joined bigint not null,
  departed bigint not null,
  departed_by bigint not null,
  reason text not null,
  primary key (workspace, id)
);
create unique index member_present on member (workspace, login) where departed = 0;
create index member_login on member (login) where departed = 0;

create table team (
  workspace bigint not null references workspace (id),
  id bigint not null,
  name text not null check (length(name) between 1 and 200),
  name_folded text not null,
  created bigint not null,
  created_by bigint not null,
  closed bigint not null,
  closed_by bigint not null,
  primary key (workspace, id)
);
create unique index team_name on team (workspace, name_folded) where closed = 0;

create table team_member (
  workspace bigint not null references workspace (id),
  id bigint not null,
  team bigint not null,
  member bigint not null,
  added bigint not null,
  added_by bigint not null,
  removed bigint not null,
  removed_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, team) references team (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
);
create unique index team_member_once on team_member (workspace, team, member) where removed = 0;
create index team_member_of on team_member (workspace, member) where removed = 0;

-- A right is a row: who may what, where, why, given by whom, until when. until
-- is 0 for no end. given_by and ended_by are members, 0 for Parley itself. An
-- owner is one everywhere and without an end, so that no clock can leave a
-- workspace without one.
create table right_grant (
  workspace bigint not null references workspace (id),
  id bigint not null,
  member bigint not null,
  role text not null check (role in ('owner', 'steward', 'voice', 'contributor', 'reviewer', 'observer')),
  scope_kind text not null check (scope_kind in ('', 'account', 'team')),
  scope_id bigint not null,
  reason text not null,
  given bigint not null,
  given_by bigint not null,
  until bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  ended_reason text not null,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check ((scope_kind = '') = (scope_id = 0)),
  check (role <> 'owner' or (scope_kind = '' and until = 0))
);
create unique index right_grant_once on right_grant (workspace, member, role, scope_kind, scope_id) where ended = 0;

create table invitation (
  workspace bigint not null references workspace (id),
  id bigint not null,
  email text not null,
  email_folded text not null,
  hash bytea not null unique,
  made bigint not null,
  made_by bigint not null,
  until bigint not null,
  accepted bigint not null,
  accepted_by bigint not null,
  revoked bigint not null,
  revoked_by bigint not null,
  primary key (workspace, id),
  check (accepted = 0 or revoked = 0)
);
create unique index invitation_open on invitation (workspace, email_folded) where accepted = 0 and revoked = 0;

create table invitation_role (
  workspace bigint not null references workspace (id),
  invitation bigint not null,
  role text not null check (role in ('owner', 'steward', 'voice', 'contributor', 'reviewer', 'observer')),
  scope_kind text not null check (scope_kind in ('', 'account', 'team')),
  scope_id bigint not null,
  primary key (workspace, invitation, role, scope_kind, scope_id),
  foreign key (workspace, invitation) references invitation (workspace, id),
  check ((scope_kind = '') = (scope_id = 0)),
  check (role <> 'owner' or scope_kind = '')
);

-- Links of the installation itself: the first sign-up (login 0) and a new
-- password for a login. Used up means deleted.
create table login_link (
  hash bytea primary key,
  purpose text not null check (purpose in ('setup', 'password')),
  login bigint not null,
  made bigint not null,
  until bigint not null,
  check ((purpose = 'setup') = (login = 0))
);
create index login_link_login on login_link (login);

-- A browser that is signed in. Ended means deleted: where and with what
-- somebody worked is kept no longer than it protects them.
create table login_session (
  id bigint primary key,
  login bigint not null references login (id),
  hash bytea not null unique,
  created bigint not null,
  seen bigint not null,
  until bigint not null,
  agent text not null,
  address text not null
);
create index login_session_login on login_session (login);

-- Places a login has signed in from, as a hash: guesses made elsewhere do not
-- slow down somebody who sits where they always sit.
create table login_place (
  login bigint not null references login (id),
  place bytea not null,
  seen bigint not null,
  primary key (login, place)
);

-- Sign-ins that went wrong, by a hash of whom or from where they were tried.
-- next is when the following try is looked at.
create table login_throttle (
  bucket bytea primary key,
  tries bigint not null,
  last bigint not null,
  next bigint not null
);
create index login_throttle_last on login_throttle (last);

-- rights are space-separated; what the member may not do, the token may not either.
create table api_token (
  workspace bigint not null references workspace (id),
  id bigint not null,
  member bigint not null,
  hash bytea not null unique,
  name text not null check (length(name) between 1 and 200),
  rights text not null,
  created bigint not null,
  until bigint not null,
  used bigint not null,
  revoked bigint not null,
  revoked_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
);
create index api_token_member on api_token (workspace, member) where revoked = 0;
