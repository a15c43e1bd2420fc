-- why: other programs want to know what happens here without asking all the time,
-- in order and without gaps, through days in which they were away.

create table webhook (
  workspace bigint not null references workspace (id),
  id bigint not null,
  url text not null,
  -- what it is told of, space-separated; '' is everything
  groups text not null,
  secret bytea not null,
  made bigint not null,
  made_by bigint not null,
  -- the number of the last event that it accepted, or did not ask for
  bookmark bigint not null,
  -- when it last accepted one
  sent bigint not null,
  -- since when it has accepted none, how often it was tried since, when it is tried
  -- again, and what came back instead; 0 while all is well
  failing bigint not null,
  tries bigint not null,
  due bigint not null,
  said text not null,
  -- since when it is told nothing; gave_up: because it had failed for days
  paused bigint not null,
  gave_up bigint not null check (gave_up in (0, 1)),
  primary key (workspace, id)
);
create index webhook_due on webhook (due) where paused = 0;
