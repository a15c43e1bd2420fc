-- why: whoever cannot answer gives a conversation to somebody who can, with a word
-- about it. Who gave it to whom, and how that ended, is a record; and a claim can
-- end in more ways than before: it is handed on, given to who asks for it, taken
-- where nobody reacts, or over because nothing happens under it.

create table handover (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  -- who gave it; 0: Parley itself, for a member who is away
  by_member bigint not null,
  -- to a member, or to a team
  to_member bigint not null,
  to_team bigint not null,
  -- what was said about it; 0: nothing
  note bigint not null,
  -- 1: it is given back by who was given it
  back bigint not null check (back in (0, 1)),
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null check (how in ('', 'claimed', 'returned', 'again', 'done', 'left')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  check ((to_member = 0) <> (to_team = 0)),
  check ((ended = 0) = (how = ''))
);
create unique index handover_open on handover (workspace, conversation) where ended = 0;
create index handover_conversation on handover (workspace, conversation);
create index handover_member on handover (workspace, to_member) where ended = 0 and to_member > 0;
create index handover_team on handover (workspace, to_team) where ended = 0 and to_team > 0;

-- only postgres
alter table claim drop constraint claim_how_check;
alter table claim add constraint claim_how_check
  check (how in ('', 'released', 'answered', 'done', 'taken', 'left', 'handed', 'expired', 'given', 'asked'));
-- end only
-- only sqlite
-- SQLite changes no check: the table is made anew.
create table claim_anew (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null check (how in ('', 'released', 'answered', 'done', 'taken', 'left', 'handed', 'expired', 'given', 'asked')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
);
insert into claim_anew (workspace, id, conversation, member, at, ended, ended_by, how)
  select workspace, id, conversation, member, at, ended, ended_by, how from claim;
drop table claim;
alter table claim_anew rename to claim;
create unique index claim_open on claim (workspace, conversation) where ended = 0;
create index claim_conversation on claim (workspace, conversation);
-- end only
