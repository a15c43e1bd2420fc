-- why: colleagues talk about a conversation where it stands, and never by mistake
-- in public: what they write for each other is in tables of its own, which no
-- sending reads.

create table note (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  -- Markdown; a colleague stands in it as <@id>. Empty once it was deleted
  body text not null,
  at bigint not null,
  edited bigint not null,
  deleted bigint not null,
  deleted_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check (deleted = 0 or body = '')
);
create index note_conversation on note (workspace, conversation, at);

-- What a note said before it was edited or deleted.
create table note_version (
  workspace bigint not null,
  id bigint not null,
  note bigint not null,
  body text not null,
  at bigint not null,
  until bigint not null,
  primary key (workspace, id),
  foreign key (workspace, note) references note (workspace, id)
);
create index note_version_note on note_version (workspace, note);
create index note_version_until on note_version (workspace, until);

create table note_mention (
  workspace bigint not null,
  note bigint not null,
  member bigint not null,
  primary key (workspace, note, member),
  foreign key (workspace, note) references note (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
);
create index note_mention_member on note_mention (workspace, member);
