-- why: a passkey opens with a touch, cannot be guessed, and gives nothing away to a
-- page that only looks like ours. Here is its public half only: who reads this
-- database can sign in as nobody.

-- A key that somebody's device or password manager holds (WebAuthn). It belongs to
-- the login, as the password does, and goes with it.
create table passkey (
  id bigint primary key,
  login bigint not null references login (id),
  -- what the device calls it
  credential bytea not null unique,
  name text not null check (length(name) between 1 and 200),
  -- the credential record as JSON: public key, counter, flags
  record text not null,
  created bigint not null,
  used bigint not null,
  -- when its counter went backwards, as that of a copy does; it signs nobody in any more
  doubted bigint not null
);
create index passkey_login on passkey (login);

-- What is remembered between the two requests of a sign-in, or of adding a way to
-- sign in: found by the hash of what only the browser was told, used once.
create table login_step (
  hash bytea primary key,
  purpose text not null,
  -- 0 where it shows at the end only who it is
  login bigint not null,
  data text not null,
  -- a hash of the network it came from, so that a flood from there can be held off
  place bytea not null,
  until bigint not null
);
create index login_step_place on login_step (place, until);
