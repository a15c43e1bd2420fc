-- why: beside a conversation stands whoever wrote: since when they are known, what
-- members marked and noted about them, and which identities members say are one
-- person. All of it is a record, and saying that two are one can be taken apart
-- again: nothing is moved by it.

-- The oldest of the persons that members say are one; alone, the person itself.
alter table person add column one bigint not null default 0;
update person set one = id;
create index person_one on person (workspace, one);

-- That two persons are one. Those that are one hang together by what has not ended.
create table person_join (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  other bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, person) references person (workspace, id),
  foreign key (workspace, other) references person (workspace, id),
  check (person <> other)
);
create index person_join_person on person_join (workspace, person);
create index person_join_other on person_join (workspace, other);

-- What somebody is to us, and that they want to be left alone: who says so, since
-- when, and why.
create table person_mark (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  kind text not null check (kind in ('press', 'official', 'neighbour', 'friend', 'alone')),
  reason text not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, person) references person (workspace, id)
);
create index person_mark_person on person_mark (workspace, person);
create unique index person_mark_open on person_mark (workspace, person, kind) where ended = 0;

create table person_note (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  body text not null,
  member bigint not null,
  at bigint not null,
  primary key (workspace, id),
  foreign key (workspace, person) references person (workspace, id)
);
create index person_note_person on person_note (workspace, person);

-- What somebody said first and last is the head of an index, however much it is.
drop index message_author;
create index message_author on message (workspace, author, at);
drop index conversation_identity;
create index conversation_identity on conversation (workspace, identity, last_at);

-- People are looked for by the beginning of their handle or name, as folded text;
-- what is there already is folded as far as a database can.
-- only sqlite
alter table identity add column folded text not null default '';
alter table identity add column called text not null default '';
-- end only
-- only postgres
alter table identity add column folded text collate "C" not null default '';
alter table identity add column called text collate "C" not null default '';
-- end only
update identity set folded = lower(handle), called = lower(name);
create index identity_folded on identity (workspace, folded);
create index identity_called on identity (workspace, called);
create index identity_url on identity (workspace, url);
