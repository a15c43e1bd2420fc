-- why: how long somebody has been waiting means little at night and on holidays.
-- A workspace says when somebody is there and within how many hours of that people
-- are answered; and what became of it is measured, so that it can be told honestly.

create table promise (
  workspace bigint primary key references workspace (id),
  -- minutes of open time within which people are answered; 0: nothing is promised
  minutes bigint not null check (minutes >= 0),
  -- hours of the week and holidays, as JSON; the zone is the workspace's
  week text not null,
  holidays text not null,
  set_by bigint not null,
  set_at bigint not null
);

-- A waiting that an answer of ours ended. It names no member: how fast we answer
-- is a fact about the desk, not about somebody.
create table response (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  -- our words that ended it
  message bigint not null,
  -- since when somebody waited, and until when
  waited bigint not null,
  answered bigint not null,
  -- open time in between, in microseconds, by the hours at that time
  open bigint not null check (open >= 0),
  -- when the promise of that time fell due; 0: nothing was promised
  due bigint not null,
  -- written outside Parley, as far as is known
  elsewhere bigint not null check (elsewhere in (0, 1)),
  primary key (workspace, id),
  unique (workspace, conversation, message),
  foreign key (workspace, conversation) references conversation (workspace, id),
  check (answered >= waited)
);
create index response_message on response (workspace, message);
create index response_answered on response (workspace, answered);
