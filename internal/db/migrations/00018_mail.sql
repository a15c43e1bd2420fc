-- why: Parley writes letters of its own (invitations, links to a new password,
-- notifications). Each is written down with what it is about, sealed, because a
-- link in it lets somebody in, and loses its words once it was sent or given up.

-- workspace 0 is the installation's own, so there is no foreign key.
create table letter (
  workspace bigint not null,
  id bigint not null,
  purpose text not null,
  about bigint not null,
  sealed bytea not null,
  made bigint not null,
  until bigint not null,
  sent bigint not null,
  failed bigint not null,
  -- what the mail server said last, without the address
  said text not null,
  primary key (workspace, id),
  check (sent = 0 or failed = 0)
);
create index letter_about on letter (workspace, purpose, about, id);
create index letter_made on letter (made);
