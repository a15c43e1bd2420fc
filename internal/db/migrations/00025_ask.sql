-- why: somebody who has no time for a desk is asked about a conversation by a link.
-- The link's secret is kept as a hash. What was asked goes with the conversation,
-- or when it is over.

create table ask (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  account bigint not null,
  member bigint not null,
  -- who is asked: an address, and the member whose it is; 0: of somebody outside
  address text not null,
  to_member bigint not null,
  question text not null,
  hash bytea not null unique,
  made bigint not null,
  until bigint not null,
  -- 1: the link was shown to who asked, so it proves nothing about who opens it
  shown bigint not null check (shown in (0, 1)),
  answered bigint not null,
  note bigint not null,
  delivery bigint not null,
  revoked bigint not null,
  revoked_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check (answered = 0 or revoked = 0)
);
create index ask_conversation on ask (workspace, conversation, made);
create index ask_member on ask (workspace, member, made);
