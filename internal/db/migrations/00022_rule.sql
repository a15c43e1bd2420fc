-- why: nobody is left waiting under a claim that was forgotten: after a time in
-- which nothing happens it is over, and a colleague can ask for it. And a few
-- seconds between Send and leaving are enough to call an answer back. How long,
-- each workspace decides.

create table desk_rule (
  workspace bigint primary key references workspace (id),
  -- minutes without anything happening after which a claim is over; 0: never
  claim_minutes bigint not null check (claim_minutes between 0 and 10080),
  -- seconds between Send and leaving; 0: none
  call_back bigint not null check (call_back between 0 and 30),
  changed bigint not null,
  changed_by bigint not null
);

-- When its holder last wrote or sent something under it; 0: not since it was made.
alter table claim add column active bigint not null default 0;

-- Who asked whom for a conversation, and how that ended.
create table claim_ask (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  holder bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null check (how in ('', 'given', 'kept', 'taken', 'over')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check ((ended = 0) = (how = ''))
);
create unique index claim_ask_open on claim_ask (workspace, conversation) where ended = 0;
create index claim_ask_conversation on claim_ask (workspace, conversation);
