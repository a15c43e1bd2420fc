-- why: people are looked for by their handle and their name, as they are typed. A
-- word of either is a row, so that its beginning is a range of the index, and a
-- person who is removed takes their words with them.
-- only sqlite
create table identity_word (
  workspace bigint not null,
  word text not null,
  identity bigint not null,
  primary key (workspace, word, identity),
  foreign key (workspace, identity) references identity (workspace, id) on delete cascade
);
-- end only
-- only postgres
create table identity_word (
  workspace bigint not null,
  -- by bytes, as SQLite does
  word text collate "C" not null,
  identity bigint not null,
  primary key (workspace, word, identity),
  foreign key (workspace, identity) references identity (workspace, id) on delete cascade
);
-- end only
create index identity_word_of on identity_word (workspace, identity);

-- What somebody said, newest first, is the end of a range too.
drop index message_author;
create index message_author on message (workspace, author, id);
