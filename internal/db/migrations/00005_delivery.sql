-- why: nothing is said twice, or by accident. What was approved, and by whom, is
-- written down before anything leaves; every request that may write stands in a
-- row of its own from before it leaves until somebody knows what became of it.

create table delivery (
  workspace bigint not null references workspace (id),
  id bigint not null,
  account bigint not null,
  -- what it is ("reply") and what it belongs to (its conversation)
  kind text not null check (kind <> ''),
  subject bigint not null,
  -- who approved these words; null: Parley itself
  member bigint,
  -- network.Draft as JSON, and the hash of what was approved; both are emptied
  -- when the words are erased
  draft bytea not null,
  hash bytea not null,
  accepted bigint not null,
  not_before bigint not null,
  state text not null check (state in
    ('accepted', 'planned', 'sending', 'sent', 'failed', 'unknown', 'discarded', 'called_back')),
  -- how often a member decided that it goes on; names its job
  round bigint not null check (round > 0),
  -- network.Plan as JSON, empty while there is none and once it is over;
  -- progress has one letter a step: . to do, p pending, d done
  plan bytea not null,
  progress text not null,
  due bigint not null,
  -- what it waits for, since when, how often it has tried
  trouble text not null check (trouble in ('', 'transient', 'pending')),
  since bigint not null,
  tries bigint not null,
  -- why it waits, failed or is unknown: a catalogue code and its arguments; a more
  -- precise key from the connector; the network's own words; what the operator
  -- wants to see
  reason text not null,
  reason_args text not null,
  help text not null,
  said text not null,
  evidence text not null,
  changed bigint not null,
  primary key (workspace, id),
  foreign key (workspace, account) references account (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check (state not in ('failed', 'unknown') or reason <> ''),
  check (state <> 'accepted' or length(plan) = 0),
  -- what is over has no plan left that could be sent
  check (state not in ('sent', 'discarded', 'called_back') or length(plan) = 0)
);
create index delivery_subject on delivery (workspace, kind, subject, id);
create index delivery_open on delivery (workspace, id) where state not in ('sent', 'discarded', 'called_back');
create index delivery_due on delivery (due) where state in ('accepted', 'planned', 'sending');

-- One request that may write. ended is when the node that made it knew that it
-- was over, 0 if it never said so; closed is when it was known what became of
-- it, 0 while nobody knows.
create table delivery_attempt (
  workspace bigint not null,
  id bigint not null,
  delivery bigint not null,
  step bigint not null,
  -- when the first of identical requests was opened: earlier than opened if this
  -- one repeats a request whose answer was lost
  first bigint not null,
  opened bigint not null,
  -- by then the request is over, even if its node is silent
  deadline bigint not null,
  ended bigint not null,
  closed bigint not null,
  outcome text not null check (outcome in ('', 'sent', 'pending', 'not_sent', 'repeated', 'abandoned')),
  -- the network said that it has this already
  duplicate bigint not null check (duplicate in (0, 1)),
  -- proving: how often it was asked, since when, when it was first said to be
  -- absent, whether a repeat is the way to find out
  looks bigint not null,
  looked bigint not null,
  absent bigint not null,
  again bigint not null check (again in (0, 1)),
  detail text not null,
  primary key (workspace, id),
  foreign key (workspace, delivery) references delivery (workspace, id),
  check ((closed = 0) = (outcome = ''))
);
-- At most one unreconciled attempt.
create unique index delivery_attempt_open on delivery_attempt (workspace, delivery) where closed = 0;
create index delivery_attempt_of on delivery_attempt (workspace, delivery, id);

-- What stands on the network. told is when the capability it belongs to stored
-- our words; 0 while it has not.
create table delivery_part (
  workspace bigint not null,
  delivery bigint not null,
  part bigint not null,
  ref bytea not null,
  at bigint not null,
  told bigint not null,
  primary key (workspace, delivery, part),
  foreign key (workspace, delivery) references delivery (workspace, id)
);
