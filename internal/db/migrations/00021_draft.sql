-- why: words that somebody has begun to write survive a crash and follow them to
-- another device. They are the writer's alone until they are sent, and stand in no
-- log: that somebody writes is nobody's business.

create table reply_draft (
  workspace bigint not null,
  conversation bigint not null,
  member bigint not null,
  -- grows with every change: who saves says which one they changed
  version bigint not null check (version > 0),
  body text not null,
  warning text not null,
  visibility text not null,
  lang text not null,
  at bigint not null,
  primary key (workspace, conversation, member),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
);
create index reply_draft_member on reply_draft (workspace, member);
