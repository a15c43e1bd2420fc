-- why: members are told of what concerns them. A notification is ids and no
-- words: who is told, of what kind, about what, because of which event, when it
-- was made and when they read it. One that is unread grows instead of repeating.

create table notification (
  workspace bigint not null,
  id bigint not null,
  member bigint not null,
  kind text not null,
  -- what it is about; 0: not that. about is a delivery, an account or a question
  conversation bigint not null,
  account bigint not null,
  about bigint not null,
  -- the newest event it stands for, and how many there were
  event bigint not null,
  times bigint not null check (times > 0),
  made bigint not null,
  read bigint not null,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
);
create unique index notification_once on notification (workspace, member, kind, conversation, about) where read = 0;
create index notification_newest on notification (workspace, member, made, id);
create index notification_conversation on notification (workspace, conversation) where conversation > 0;
create index notification_about on notification (workspace, about) where about > 0;

-- What happened before this version is no news.
insert into event_cursor (workspace, consumer, n) select workspace, 'notify', n from event_head;
