-- why: what a member is told of also reaches them by mail, as each of them
-- chooses: which kinds, not at night nor on days off, several in one, and a digest
-- for those who are rarely in. told is when it was decided whether a notification is
-- mailed.

alter table notification add column told bigint not null default 0;
create index notification_untold on notification (workspace, member) where told = 0 and read = 0;

-- One row a member who has chosen; who has none takes what everybody gets.
create table notify_choice (
  workspace bigint not null,
  member bigint not null,
  -- the kinds that are mailed, separated by spaces
  mail text not null,
  -- minutes of the member's day; the same twice: no quiet hours
  quiet_from bigint not null check (quiet_from between 0 and 1439),
  quiet_to bigint not null check (quiet_to between 0 and 1439),
  -- days that are quiet as a whole, one bit each, Sunday first
  quiet_days bigint not null check (quiet_days between 0 and 127),
  -- 1: what is urgent is mailed also then
  urgent bigint not null check (urgent in (0, 1)),
  zone text not null,
  digest text not null check (digest in ('', 'daily', 'weekly')),
  changed bigint not null,
  primary key (workspace, member),
  foreign key (workspace, member) references member (workspace, id)
);

-- When a member was last written to.
create table notify_mailed (
  workspace bigint not null,
  member bigint not null,
  mailed bigint not null,
  digested bigint not null,
  primary key (workspace, member),
  foreign key (workspace, member) references member (workspace, id)
);
