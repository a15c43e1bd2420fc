-- why: who is in danger, threatens, or must print tonight is answered before whoever
-- has waited longest; and who only says thank you waits for nothing.

-- That a conversation is urgent: who or which rule said so, over which words, and
-- until when.
create table urgent (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  why text not null check (why in ('hand', 'danger', 'self_harm', 'threat', 'press')),
  -- the message that a rule found it in; 0: a member said so
  message bigint not null,
  -- who said so; 0: a rule
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  -- who took it back or finished; 0: our answer did
  ended_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id)
);
create unique index urgent_open on urgent (workspace, conversation, why) where ended = 0;
create index urgent_conversation on urgent (workspace, conversation);

-- 1: a mark is open. Urgent ones stand first in the order of who waits, by more time
-- than anybody has waited, so that the list is the head of one index.
alter table conversation add column urgent bigint not null default 0 check (urgent in (0, 1));
drop index conversation_waiting;
create index conversation_waiting on conversation (workspace, (waiting - urgent * 9000000000000000), id) where state = 'open' and waiting > 0;

-- 1: it only says thank you, and makes nobody wait.
alter table reach add column thanks bigint not null default 0 check (thanks in (0, 1));
