-- why: a list is narrowed to an account, a language, whoever answers or a label, and
-- must cost what it shows, not what there is. And whoever looks at the same list
-- every morning gives it a name.

-- The language of what they said last, as far as their network tells; '': it does not.
alter table conversation add column lang text not null default '';
update conversation set lang = coalesce((
  select lower(case when substr(m.lang, 3, 1) in ('', '-') then substr(m.lang, 1, 2) when substr(m.lang, 4, 1) in ('', '-') then substr(m.lang, 1, 3) else '' end)
  from message m where m.workspace = conversation.workspace and m.id = conversation.last_message and m.own = 0), '');

create index conversation_account on conversation (workspace, account, state, last_at) where kind <> 'item';

-- Everything under one post of ours, the open ones first.
drop index conversation_thread;
create index conversation_thread on conversation (workspace, thread, state, last_at);

create table saved_view (
  workspace bigint not null references workspace (id),
  id bigint not null,
  -- whose it is; 0: everybody's
  member bigint not null,
  name text not null check (length(name) between 1 and 60),
  name_folded text not null,
  -- the list as the query of its address
  query text not null,
  created bigint not null,
  created_by bigint not null,
  removed bigint not null,
  removed_by bigint not null,
  primary key (workspace, id)
);
create unique index saved_view_name on saved_view (workspace, member, name_folded) where removed = 0;
