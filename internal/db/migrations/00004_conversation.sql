-- why: what people say to us, stored once, in threads as they stand on the
-- networks, and the conversations it makes: one outside person, one account of
-- ours, one thread. An edit adds a version and a deletion leaves a mark; neither
-- overwrites what a member answered to.

-- A network at an instance, as a small number instead of two strings a row.
create table source (
  workspace bigint not null references workspace (id),
  id bigint not null,
  network text not null,
  instance text not null,
  primary key (workspace, id),
  unique (workspace, network, instance)
);

-- Somebody outside. One person may be known by several identities.
create table person (
  workspace bigint not null references workspace (id),
  id bigint not null,
  created bigint not null,
  primary key (workspace, id)
);

create table identity (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  source bigint not null,
  remote_id text not null,
  handle text not null,
  name text not null,
  url text not null,
  avatar text not null,
  bot bigint not null check (bot in (0, 1)),
  created bigint not null,
  primary key (workspace, id),
  unique (workspace, source, remote_id),
  foreign key (workspace, person) references person (workspace, id),
  foreign key (workspace, source) references source (workspace, id)
);
create index identity_person on identity (workspace, person);

-- root is the remote id of the message that began it, known or not: a reply
-- whose parent has not arrived opens the thread of the parent it names.
create table thread (
  workspace bigint not null,
  id bigint not null,
  source bigint not null,
  root text not null,
  primary key (workspace, id),
  unique (workspace, source, root),
  foreign key (workspace, source) references source (workspace, id)
);

create table message (
  id bigint primary key,
  workspace bigint not null,
  source bigint not null,
  remote_id text not null,
  version text not null,
  parent text not null,
  thread bigint not null,
  author bigint not null,
  -- the account that wrote it; 0: somebody outside
  own bigint not null,
  -- the delivery that sent it; 0: written elsewhere
  delivery bigint not null,
  -- the member who wrote it here; 0: not known
  by_member bigint not null,
  visibility text not null,
  body text not null,
  spans text not null,
  lang text not null,
  warning text not null,
  media text not null,
  quote text not null,
  url text not null,
  at bigint not null,
  seen bigint not null,
  edited bigint not null,
  gone bigint not null,
  keep_until bigint not null,
  direct bigint not null check (direct in (0, 1)),
  unique (workspace, id),
  unique (workspace, source, remote_id),
  foreign key (workspace, thread) references thread (workspace, id),
  foreign key (workspace, author) references identity (workspace, id)
);
create index message_thread on message (workspace, thread, at);
create index message_author on message (workspace, author);
create index message_keep on message (keep_until) where keep_until > 0;

-- What a message said before it was edited.
create table message_version (
  workspace bigint not null,
  message bigint not null,
  version text not null,
  body text not null,
  spans text not null,
  warning text not null,
  media text not null,
  at bigint not null,
  until bigint not null,
  primary key (workspace, message, version),
  foreign key (workspace, message) references message (workspace, id)
);

create table conversation (
  workspace bigint not null,
  id bigint not null,
  account bigint not null,
  identity bigint not null,
  -- 0 for direct messages, which have no thread
  thread bigint not null,
  kind text not null check (kind in ('public', 'direct', 'item')),
  state text not null check (state in ('open', 'done')),
  -- since when somebody has been waiting for us; 0: nobody is
  waiting bigint not null,
  -- when we last spoke in it; 0: never
  answered bigint not null,
  last_at bigint not null,
  last_message bigint not null,
  messages bigint not null,
  claimed_by bigint not null,
  claimed_at bigint not null,
  -- when a member last closed or reopened it
  changed bigint not null,
  created bigint not null,
  primary key (workspace, id),
  unique (workspace, account, identity, thread, kind),
  foreign key (workspace, account) references account (workspace, id),
  foreign key (workspace, identity) references identity (workspace, id),
  check ((kind = 'direct') = (thread = 0))
);
create index conversation_list on conversation (workspace, state, last_at);
create index conversation_waiting on conversation (workspace, waiting) where state = 'open' and waiting > 0;
create index conversation_mine on conversation (workspace, claimed_by, last_at) where claimed_by > 0;
create index conversation_thread on conversation (workspace, thread);
create index conversation_identity on conversation (workspace, identity);

-- Which of our accounts a message reached, each in its own conversation.
create table reach (
  workspace bigint not null,
  message bigint not null,
  account bigint not null,
  conversation bigint not null,
  primary key (workspace, message, account),
  foreign key (workspace, message) references message (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id)
);
create index reach_conversation on reach (workspace, conversation, message);

-- Who answers, from when until when, and how it ended.
create table claim (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null check (how in ('', 'released', 'answered', 'done', 'taken', 'left')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
);
create unique index claim_open on claim (workspace, conversation) where ended = 0;

-- Messages that must not come back: erased, past their retention, or, for a
-- while, deleted before they arrived. key is a salted hash of the remote id, so
-- that the mark itself tells nothing.
create table tombstone (
  workspace bigint not null references workspace (id),
  key bytea not null,
  -- 0: for good
  until bigint not null,
  primary key (workspace, key)
);
create index tombstone_until on tombstone (until) where until > 0;

-- Search over words made in Go, the same on both databases; the workspace is
-- one of the words. Newest first is the order of the ids.
-- only sqlite
create virtual table message_search using fts5 (tokens, content = '', tokenize = 'ascii', columnsize = 0);
insert into message_search (message_search, rank) values ('secure-delete', 1);
-- end only
-- only postgres
create table message_search (
  id bigint primary key,
  tokens tsvector not null
);
create index message_search_tokens on message_search using gin (tokens);
-- end only

-- An answer that was accepted: what it answers, who wrote it, what carries it
-- out. key is the composer's own, so that pressing Send twice is one answer.
create table answer (
  workspace bigint not null,
  delivery bigint not null,
  conversation bigint not null,
  message bigint not null,
  member bigint not null,
  key text not null,
  at bigint not null,
  primary key (workspace, delivery),
  unique (workspace, key),
  foreign key (workspace, member) references member (workspace, id)
);
create index answer_conversation on answer (workspace, conversation);
