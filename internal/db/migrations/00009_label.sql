-- why: what a conversation is about is said in the workspace's own words, and kept
-- beside it: who said so, when, and who took it back.

create table label (
  workspace bigint not null references workspace (id),
  id bigint not null,
  name text not null check (length(name) between 1 and 60),
  name_folded text not null,
  hue text not null check (hue in ('clay', 'amber', 'olive', 'leaf', 'lake', 'sky', 'plum', 'rose')),
  created bigint not null,
  created_by bigint not null,
  -- since when nobody puts it on any more; 0: they do
  retired bigint not null,
  retired_by bigint not null,
  -- the label it has become a part of; 0: it stands for itself
  part_of bigint not null,
  primary key (workspace, id)
);
-- A name means one thing at a time.
create unique index label_name on label (workspace, name_folded) where retired = 0;
create index label_part on label (workspace, part_of) where part_of > 0;

-- A label on a conversation, from when until when.
create table labelling (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  label bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, label) references label (workspace, id)
);
create unique index labelling_once on labelling (workspace, conversation, label) where ended = 0;
create index labelling_of on labelling (workspace, label, conversation) where ended = 0;
create index labelling_conversation on labelling (workspace, conversation);
