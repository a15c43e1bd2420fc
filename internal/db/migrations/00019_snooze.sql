-- why: some answers must wait until tomorrow, and until then they are in the way. What
-- rests comes back by itself, and since when somebody waits does not change.

-- until when it rests; 0: it does not
alter table conversation add column snoozed bigint not null default 0;
create index conversation_later on conversation (workspace, snoozed) where snoozed > 0;

create table snooze (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  at bigint not null,
  until bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  -- came: its time came; said: they wrote again; woken: a member brought it back;
  -- again: it rests until another time; done, answered: it was; left: its thread became another
  how text not null check (how in ('', 'came', 'said', 'woken', 'again', 'done', 'answered', 'left')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  check (until > at)
);
create unique index snooze_open on snooze (workspace, conversation) where ended = 0;
create index snooze_due on snooze (workspace, until) where ended = 0;
create index snooze_conversation on snooze (workspace, conversation);
