CREATE TABLE account (
  workspace integer not null references workspace (id),
  id integer not null,
  network text not null,
  instance text not null,
  remote_id text not null,
  handle text not null,
  name text not null,
  url text not null,
  avatar text not null,
  app text not null,
  scopes text not null,
  extra text not null,
  -- disconnected: by a member. broken: only a member can mend it (reason says how)
  state text not null check (state in ('connected', 'broken', 'disconnected')),
  reason text not null,
  message text not null,
  -- catalogue key of a more precise sentence than the reason
  help text not null default '',
  since integer not null,
  secret blob not null,
  secret_generation integer not null,
  secret_expires integer not null,
  secret_refresh_by integer not null,
  -- who refreshes the credential just now
  refresh_owner text not null,
  refresh_lease integer not null,
  capabilities blob not null,
  capabilities_until integer not null,
  -- how an answer shows who wrote it: '' not at all, 'caret' as ^Name
  signature text not null check (signature in ('', 'caret')),
  simulated integer not null check (simulated in (0, 1)),
  created integer not null,
  created_by integer not null,
  primary key (workspace, id),
  unique (workspace, network, instance, remote_id)
) strict;

CREATE TABLE account_begin (
  workspace integer not null references workspace (id),
  id integer not null,
  hash blob not null unique,
  member integer not null,
  network text not null,
  -- the account that is being reconnected; 0: any
  account integer not null,
  -- what the member typed, to show again beside a refusal
  hint text not null,
  blob blob not null,
  until integer not null,
  primary key (workspace, id)
) strict;

CREATE TABLE account_feed (
  workspace integer not null,
  account integer not null,
  feed text not null,
  -- 0: the network does not offer it at present; the bookmark waits for its return
  offered integer not null check (offered in (0, 1)),
  cursor blob not null,
  -- the lease: whoever holds the generation may move the bookmark
  owner text not null,
  generation integer not null,
  lease integer not null,
  due integer not null,
  -- 1: something new was announced while it was being read
  hinted integer not null check (hinted in (0, 1)),
  tried integer not null,
  worked integer not null,
  failures integer not null,
  -- the last refusal while failures > 0
  kind text not null,
  native text not null,
  message text not null,
  help text not null,
  -- when something may have been lost, and why (catalogue key), until a member
  -- says that they have looked
  gap integer not null,
  gap_why text not null,
  rate_limit integer not null,
  rate_left integer not null,
  rate_reset integer not null,
  primary key (workspace, account, feed),
  foreign key (workspace, account) references account (workspace, id)
) strict;

CREATE TABLE account_import (
  workspace integer not null,
  account integer not null,
  feed text not null,
  since integer not null,
  cursor blob not null,
  oldest integer not null,
  found integer not null,
  started integer not null,
  finished integer not null,
  -- why it pauses, and until when; 0: not known
  kind text not null,
  message text not null,
  help text not null,
  resumes integer not null,
  primary key (workspace, account, feed),
  foreign key (workspace, account) references account (workspace, id)
) strict;

CREATE TABLE answer (
  workspace integer not null,
  delivery integer not null,
  conversation integer not null,
  message integer not null,
  member integer not null,
  key text not null,
  at integer not null,
  primary key (workspace, delivery),
  unique (workspace, key),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE api_answer (
  workspace integer not null references workspace (id),
  token integer not null,
  key text not null check (length(key) between 1 and 200),
  -- keyed hash of the request, so that another one under the same key is noticed
  request blob not null,
  -- HTTP status; 0 while the first request is being worked on
  status integer not null check (status = 0 or status between 100 and 599),
  answer blob not null,
  made integer not null,
  until integer not null,
  primary key (workspace, token, key)
) strict;

CREATE TABLE api_token (
  workspace integer not null references workspace (id),
  id integer not null,
  member integer not null,
  hash blob not null unique,
  name text not null check (length(name) between 1 and 200),
  rights text not null,
  created integer not null,
  until integer not null,
  used integer not null,
  revoked integer not null,
  revoked_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE ask (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  account integer not null,
  member integer not null,
  -- who is asked: an address, and the member whose it is; 0: of somebody outside
  address text not null,
  to_member integer not null,
  question text not null,
  hash blob not null unique,
  made integer not null,
  until integer not null,
  -- 1: the link was shown to who asked, so it proves nothing about who opens it
  shown integer not null check (shown in (0, 1)),
  answered integer not null,
  note integer not null,
  delivery integer not null,
  revoked integer not null,
  revoked_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check (answered = 0 or revoked = 0)
) strict;

CREATE TABLE "claim" (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  member integer not null,
  at integer not null,
  ended integer not null,
  ended_by integer not null,
  how text not null check (how in ('', 'released', 'answered', 'done', 'taken', 'left', 'handed', 'expired', 'given', 'asked')), active integer not null default 0,
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE claim_ask (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  member integer not null,
  holder integer not null,
  at integer not null,
  ended integer not null,
  ended_by integer not null,
  how text not null check (how in ('', 'given', 'kept', 'taken', 'over')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check ((ended = 0) = (how = ''))
) strict;

CREATE TABLE conversation (
  workspace integer not null,
  id integer not null,
  account integer not null,
  identity integer not null,
  -- 0 for direct messages, which have no thread
  thread integer not null,
  kind text not null check (kind in ('public', 'direct', 'item')),
  state text not null check (state in ('open', 'done')),
  -- since when somebody has been waiting for us; 0: nobody is
  waiting integer not null,
  -- when we last spoke in it; 0: never
  answered integer not null,
  last_at integer not null,
  last_message integer not null,
  messages integer not null,
  claimed_by integer not null,
  claimed_at integer not null,
  -- when a member last closed or reopened it
  changed integer not null,
  created integer not null, lang text not null default '', snoozed integer not null default 0, urgent integer not null default 0 check (urgent in (0, 1)),
  primary key (workspace, id),
  unique (workspace, account, identity, thread, kind),
  foreign key (workspace, account) references account (workspace, id),
  foreign key (workspace, identity) references identity (workspace, id),
  check ((kind = 'direct') = (thread = 0))
) strict;

CREATE TABLE delivery (
  workspace integer not null references workspace (id),
  id integer not null,
  account integer not null,
  -- what it is ("reply") and what it belongs to (its conversation)
  kind text not null check (kind <> ''),
  subject integer not null,
  -- who approved these words; null: Parley itself
  member integer,
  -- network.Draft as JSON, and the hash of what was approved; both are emptied
  -- when the words are erased
  draft blob not null,
  hash blob not null,
  accepted integer not null,
  not_before integer not null,
  state text not null check (state in
    ('accepted', 'planned', 'sending', 'sent', 'failed', 'unknown', 'discarded', 'called_back')),
  -- how often a member decided that it goes on; names its job
  round integer not null check (round > 0),
  -- network.Plan as JSON, empty while there is none and once it is over;
  -- progress has one letter a step: . to do, p pending, d done
  plan blob not null,
  progress text not null,
  due integer not null,
  -- what it waits for, since when, how often it has tried
  trouble text not null check (trouble in ('', 'transient', 'pending')),
  since integer not null,
  tries integer not null,
  -- why it waits, failed or is unknown: a catalogue code and its arguments; a more
  -- precise key from the connector; the network's own words; what the operator
  -- wants to see
  reason text not null,
  reason_args text not null,
  help text not null,
  said text not null,
  evidence text not null,
  changed integer not null, looking integer not null default 0 check (looking in (0, 1)),
  primary key (workspace, id),
  foreign key (workspace, account) references account (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check (state not in ('failed', 'unknown') or reason <> ''),
  check (state <> 'accepted' or length(plan) = 0),
  -- what is over has no plan left that could be sent
  check (state not in ('sent', 'discarded', 'called_back') or length(plan) = 0)
) strict;

CREATE TABLE delivery_attempt (
  workspace integer not null,
  id integer not null,
  delivery integer not null,
  step integer not null,
  -- when the first of identical requests was opened: earlier than opened if this
  -- one repeats a request whose answer was lost
  first integer not null,
  opened integer not null,
  -- by then the request is over, even if its node is silent
  deadline integer not null,
  ended integer not null,
  closed integer not null,
  outcome text not null check (outcome in ('', 'sent', 'pending', 'not_sent', 'repeated', 'abandoned')),
  -- the network said that it has this already
  duplicate integer not null check (duplicate in (0, 1)),
  -- proving: how often it was asked, since when, when it was first said to be
  -- absent, whether a repeat is the way to find out
  looks integer not null,
  looked integer not null,
  absent integer not null,
  again integer not null check (again in (0, 1)),
  detail text not null,
  primary key (workspace, id),
  foreign key (workspace, delivery) references delivery (workspace, id),
  check ((closed = 0) = (outcome = ''))
) strict;

CREATE TABLE delivery_part (
  workspace integer not null,
  delivery integer not null,
  part integer not null,
  ref blob not null,
  at integer not null,
  told integer not null,
  primary key (workspace, delivery, part),
  foreign key (workspace, delivery) references delivery (workspace, id)
) strict;

CREATE TABLE desk_rule (
  workspace integer primary key references workspace (id),
  -- minutes without anything happening after which a claim is over; 0: never
  claim_minutes integer not null check (claim_minutes between 0 and 10080),
  -- seconds between Send and leaving; 0: none
  call_back integer not null check (call_back between 0 and 30),
  changed integer not null,
  changed_by integer not null
) strict;

CREATE TABLE event (
  workspace integer not null references workspace (id),
  n integer not null check (n > 0),
  at integer not null,
  actor_kind text not null check (actor_kind in ('member', 'system')),
  actor integer not null,
  actor_part text not null,
  verb text not null,
  kind text not null,
  subject integer not null,
  details text not null,
  sealed blob,
  leaf blob not null,
  primary key (workspace, n)
) strict;

CREATE TABLE event_cursor (
  workspace integer not null references workspace (id),
  consumer text not null,
  n integer not null,
  primary key (workspace, consumer)
) strict;

CREATE TABLE event_head (
  workspace integer primary key references workspace (id),
  n integer not null
) strict;

CREATE TABLE event_personal (
  workspace integer not null,
  n integer not null,
  about integer not null,
  salt blob not null,
  details text not null,
  primary key (workspace, n),
  foreign key (workspace, n) references event (workspace, n)
) strict;

CREATE TABLE handover (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  -- who gave it; 0: Parley itself, for a member who is away
  by_member integer not null,
  -- to a member, or to a team
  to_member integer not null,
  to_team integer not null,
  -- what was said about it; 0: nothing
  note integer not null,
  -- 1: it is given back by who was given it
  back integer not null check (back in (0, 1)),
  at integer not null,
  ended integer not null,
  ended_by integer not null,
  how text not null check (how in ('', 'claimed', 'returned', 'again', 'done', 'left')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  check ((to_member = 0) <> (to_team = 0)),
  check ((ended = 0) = (how = ''))
) strict;

CREATE TABLE identity (
  workspace integer not null,
  id integer not null,
  person integer not null,
  source integer not null,
  remote_id text not null,
  handle text not null,
  name text not null,
  url text not null,
  avatar text not null,
  bot integer not null check (bot in (0, 1)),
  created integer not null, folded text not null default '', called text not null default '',
  primary key (workspace, id),
  unique (workspace, source, remote_id),
  foreign key (workspace, person) references person (workspace, id),
  foreign key (workspace, source) references source (workspace, id)
) strict;

CREATE TABLE identity_word (
  workspace integer not null,
  word text not null,
  identity integer not null,
  primary key (workspace, word, identity),
  foreign key (workspace, identity) references identity (workspace, id) on delete cascade
) strict;

CREATE TABLE invitation (
  workspace integer not null references workspace (id),
  id integer not null,
  email text not null,
  email_folded text not null,
  hash blob not null unique,
  made integer not null,
  made_by integer not null,
  until integer not null,
  accepted integer not null,
  accepted_by integer not null,
  revoked integer not null,
  revoked_by integer not null,
  primary key (workspace, id),
  check (accepted = 0 or revoked = 0)
) strict;

CREATE TABLE invitation_role (
  workspace integer not null references workspace (id),
  invitation integer not null,
  role text not null check (role in ('owner', 'steward', 'voice', 'contributor', 'reviewer', 'observer')),
  scope_kind text not null check (scope_kind in ('', 'account', 'team')),
  scope_id integer not null,
  primary key (workspace, invitation, role, scope_kind, scope_id),
  foreign key (workspace, invitation) references invitation (workspace, id),
  check ((scope_kind = '') = (scope_id = 0)),
  check (role <> 'owner' or scope_kind = '')
) strict;

CREATE TABLE job (
  id integer primary key,
  workspace integer not null,
  kind text not null,
  key text not null,
  payload blob not null,
  due integer not null,
  attempt integer not null,
  owner text not null,
  lease integer not null,
  state text not null check (state in ('waiting', 'running', 'done', 'failed')),
  error text not null,
  created integer not null,
  finished integer not null
) strict;

CREATE TABLE label (
  workspace integer not null references workspace (id),
  id integer not null,
  name text not null check (length(name) between 1 and 60),
  name_folded text not null,
  hue text not null check (hue in ('clay', 'amber', 'olive', 'leaf', 'lake', 'sky', 'plum', 'rose')),
  created integer not null,
  created_by integer not null,
  -- since when nobody puts it on any more; 0: they do
  retired integer not null,
  retired_by integer not null,
  -- the label it has become a part of; 0: it stands for itself
  part_of integer not null,
  primary key (workspace, id)
) strict;

CREATE TABLE labelling (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  label integer not null,
  member integer not null,
  at integer not null,
  ended integer not null,
  ended_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, label) references label (workspace, id)
) strict;

CREATE TABLE letter (
  workspace integer not null,
  id integer not null,
  purpose text not null,
  about integer not null,
  sealed blob not null,
  made integer not null,
  until integer not null,
  sent integer not null,
  failed integer not null,
  -- what the mail server said last, without the address
  said text not null,
  primary key (workspace, id),
  check (sent = 0 or failed = 0)
) strict;

CREATE TABLE login (
  id integer primary key,
  email text not null,
  -- the address as it looks: case, width and look-alike letters folded
  email_folded text not null,
  name text not null,
  -- argon2id in PHC string format
  password text not null,
  locale text not null,
  created integer not null,
  removed integer not null,
  check (removed <> 0 or (email <> '' and email_folded <> '' and password <> '')),
  check (removed = 0 or (email = '' and email_folded = '' and password = ''))
) strict;

CREATE TABLE login_identity (
  id integer primary key,
  login integer not null references login (id),
  issuer text not null,
  subject text not null,
  created integer not null,
  used integer not null
) strict;

CREATE TABLE login_link (
  hash blob primary key,
  purpose text not null check (purpose in ('setup', 'password')),
  login integer not null,
  made integer not null,
  until integer not null,
  check ((purpose = 'setup') = (login = 0))
) strict;

CREATE TABLE login_place (
  login integer not null references login (id),
  place blob not null,
  seen integer not null,
  primary key (login, place)
) strict;

CREATE TABLE login_session (
  id integer primary key,
  login integer not null references login (id),
  hash blob not null unique,
  created integer not null,
  seen integer not null,
  until integer not null,
  agent text not null,
  address text not null
) strict;

CREATE TABLE login_step (
  hash blob primary key,
  purpose text not null,
  -- 0 where it shows at the end only who it is
  login integer not null,
  data text not null,
  -- a hash of the network it came from, so that a flood from there can be held off
  place blob not null,
  until integer not null
) strict;

CREATE TABLE login_throttle (
  bucket blob primary key,
  tries integer not null,
  last integer not null,
  next integer not null
) strict;

CREATE TABLE media (
  workspace integer not null references workspace (id),
  digest blob not null,
  kind text not null,
  mime text not null,
  width integer not null,
  height integer not null,
  size integer not null check (size >= 0),
  created integer not null,
  refs integer not null check (refs >= 0),
  primary key (workspace, digest)
) strict;

CREATE TABLE media_chunk (
  workspace integer not null,
  digest blob not null,
  n integer not null,
  bytes blob not null,
  primary key (workspace, digest, n),
  foreign key (workspace, digest) references media (workspace, digest)
) strict;

CREATE TABLE media_ref (
  workspace integer not null,
  digest blob not null,
  kind text not null,
  subject integer not null,
  primary key (workspace, digest, kind, subject),
  foreign key (workspace, digest) references media (workspace, digest)
) strict;

CREATE TABLE member (
  workspace integer not null references workspace (id),
  id integer not null,
  login integer not null references login (id),
  name text not null check (length(name) between 1 and 200),
  joined integer not null,
  departed integer not null,
  departed_by integer not null,
  reason text not null,
  primary key (workspace, id)
) strict;

CREATE TABLE message (
  id integer primary key,
  workspace integer not null,
  source integer not null,
  remote_id text not null,
  version text not null,
  parent text not null,
  thread integer not null,
  author integer not null,
  -- the account that wrote it; 0: somebody outside
  own integer not null,
  -- the delivery that sent it; 0: written elsewhere
  delivery integer not null,
  -- the member who wrote it here; 0: not known
  by_member integer not null,
  visibility text not null,
  body text not null,
  spans text not null,
  lang text not null,
  warning text not null,
  media text not null,
  quote text not null,
  url text not null,
  at integer not null,
  seen integer not null,
  edited integer not null,
  gone integer not null,
  keep_until integer not null,
  direct integer not null check (direct in (0, 1)), quiet integer not null default 0 check (quiet in (0, 1)),
  unique (workspace, id),
  unique (workspace, source, remote_id),
  foreign key (workspace, thread) references thread (workspace, id),
  foreign key (workspace, author) references identity (workspace, id)
) strict;

CREATE VIRTUAL TABLE message_search using fts5 (tokens, content = '', tokenize = 'ascii', columnsize = 0);

CREATE TABLE message_version (
  workspace integer not null,
  message integer not null,
  version text not null,
  body text not null,
  spans text not null,
  warning text not null,
  media text not null,
  at integer not null,
  until integer not null,
  primary key (workspace, message, version),
  foreign key (workspace, message) references message (workspace, id)
) strict;

CREATE TABLE network_app (
  network text not null,
  instance text not null,
  redirect text not null,
  app text not null,
  secret blob not null,
  created integer not null,
  primary key (network, instance, redirect)
) strict;

CREATE TABLE node (
  number integer primary key check (number between 0 and 1023),
  owner text not null,
  lease integer not null,
  seen integer not null
) strict;

CREATE TABLE note (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  member integer not null,
  -- Markdown; a colleague stands in it as <@id>. Empty once it was deleted
  body text not null,
  at integer not null,
  edited integer not null,
  deleted integer not null,
  deleted_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check (deleted = 0 or body = '')
) strict;

CREATE TABLE note_mention (
  workspace integer not null,
  note integer not null,
  member integer not null,
  primary key (workspace, note, member),
  foreign key (workspace, note) references note (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE note_version (
  workspace integer not null,
  id integer not null,
  note integer not null,
  body text not null,
  at integer not null,
  until integer not null,
  primary key (workspace, id),
  foreign key (workspace, note) references note (workspace, id)
) strict;

CREATE TABLE notification (
  workspace integer not null,
  id integer not null,
  member integer not null,
  kind text not null,
  -- what it is about; 0: not that. about is a delivery, an account or a question
  conversation integer not null,
  account integer not null,
  about integer not null,
  -- the newest event it stands for, and how many there were
  event integer not null,
  times integer not null check (times > 0),
  made integer not null,
  read integer not null, told integer not null default 0,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE notify_choice (
  workspace integer not null,
  member integer not null,
  -- the kinds that are mailed, separated by spaces
  mail text not null,
  -- minutes of the member's day; the same twice: no quiet hours
  quiet_from integer not null check (quiet_from between 0 and 1439),
  quiet_to integer not null check (quiet_to between 0 and 1439),
  -- days that are quiet as a whole, one bit each, Sunday first
  quiet_days integer not null check (quiet_days between 0 and 127),
  -- 1: what is urgent is mailed also then
  urgent integer not null check (urgent in (0, 1)),
  zone text not null,
  digest text not null check (digest in ('', 'daily', 'weekly')),
  changed integer not null,
  primary key (workspace, member),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE notify_mailed (
  workspace integer not null,
  member integer not null,
  mailed integer not null,
  digested integer not null,
  primary key (workspace, member),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE passkey (
  id integer primary key,
  login integer not null references login (id),
  -- what the device calls it
  credential blob not null unique,
  name text not null check (length(name) between 1 and 200),
  -- the credential record as JSON: public key, counter, flags
  record text not null,
  created integer not null,
  used integer not null,
  -- when its counter went backwards, as that of a copy does; it signs nobody in any more
  doubted integer not null
) strict;

CREATE TABLE person (
  workspace integer not null references workspace (id),
  id integer not null,
  created integer not null, one integer not null default 0,
  primary key (workspace, id)
) strict;

CREATE TABLE person_join (
  workspace integer not null,
  id integer not null,
  person integer not null,
  other integer not null,
  member integer not null,
  at integer not null,
  ended integer not null,
  ended_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, person) references person (workspace, id),
  foreign key (workspace, other) references person (workspace, id),
  check (person <> other)
) strict;

CREATE TABLE person_mark (
  workspace integer not null,
  id integer not null,
  person integer not null,
  kind text not null check (kind in ('press', 'official', 'neighbour', 'friend', 'alone')),
  reason text not null,
  member integer not null,
  at integer not null,
  ended integer not null,
  ended_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, person) references person (workspace, id)
) strict;

CREATE TABLE person_note (
  workspace integer not null,
  id integer not null,
  person integer not null,
  body text not null,
  member integer not null,
  at integer not null,
  primary key (workspace, id),
  foreign key (workspace, person) references person (workspace, id)
) strict;

CREATE TABLE promise (
  workspace integer primary key references workspace (id),
  -- minutes of open time within which people are answered; 0: nothing is promised
  minutes integer not null check (minutes >= 0),
  -- hours of the week and holidays, as JSON; the zone is the workspace's
  week text not null,
  holidays text not null,
  set_by integer not null,
  set_at integer not null
) strict;

CREATE TABLE reach (
  workspace integer not null,
  message integer not null,
  account integer not null,
  conversation integer not null, gone integer not null default 0, thanks integer not null default 0 check (thanks in (0, 1)),
  primary key (workspace, message, account),
  foreign key (workspace, message) references message (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id)
) strict;

CREATE TABLE reply_draft (
  workspace integer not null,
  conversation integer not null,
  member integer not null,
  -- grows with every change: who saves says which one they changed
  version integer not null check (version > 0),
  body text not null,
  warning text not null,
  visibility text not null,
  lang text not null,
  at integer not null,
  primary key (workspace, conversation, member),
  foreign key (workspace, conversation) references conversation (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE response (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  -- our words that ended it
  message integer not null,
  -- since when somebody waited, and until when
  waited integer not null,
  answered integer not null,
  -- open time in between, in microseconds, by the hours at that time
  open integer not null check (open >= 0),
  -- when the promise of that time fell due; 0: nothing was promised
  due integer not null,
  -- written outside Parley, as far as is known
  elsewhere integer not null check (elsewhere in (0, 1)),
  primary key (workspace, id),
  unique (workspace, conversation, message),
  foreign key (workspace, conversation) references conversation (workspace, id),
  check (answered >= waited)
) strict;

CREATE TABLE right_grant (
  workspace integer not null references workspace (id),
  id integer not null,
  member integer not null,
  role text not null check (role in ('owner', 'steward', 'voice', 'contributor', 'reviewer', 'observer')),
  scope_kind text not null check (scope_kind in ('', 'account', 'team')),
  scope_id integer not null,
  reason text not null,
  given integer not null,
  given_by integer not null,
  until integer not null,
  ended integer not null,
  ended_by integer not null,
  ended_reason text not null,
  primary key (workspace, id),
  foreign key (workspace, member) references member (workspace, id),
  check ((scope_kind = '') = (scope_id = 0)),
  check (role <> 'owner' or (scope_kind = '' and until = 0))
) strict;

CREATE TABLE saved_view (
  workspace integer not null references workspace (id),
  id integer not null,
  -- whose it is; 0: everybody's
  member integer not null,
  name text not null check (length(name) between 1 and 60),
  name_folded text not null,
  -- the list as the query of its address
  query text not null,
  created integer not null,
  created_by integer not null,
  removed integer not null,
  removed_by integer not null,
  primary key (workspace, id)
) strict;

CREATE TABLE setting (
  name text primary key,
  value blob not null
) strict;

CREATE TABLE snooze (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  member integer not null,
  at integer not null,
  until integer not null,
  ended integer not null,
  ended_by integer not null,
  -- came: its time came; said: they wrote again; woken: a member brought it back;
  -- again: it rests until another time; done, answered: it was; left: its thread became another
  how text not null check (how in ('', 'came', 'said', 'woken', 'again', 'done', 'answered', 'left')),
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id),
  check (until > at)
) strict;

CREATE TABLE source (
  workspace integer not null references workspace (id),
  id integer not null,
  network text not null,
  instance text not null,
  primary key (workspace, id),
  unique (workspace, network, instance)
) strict;

CREATE TABLE team (
  workspace integer not null references workspace (id),
  id integer not null,
  name text not null check (length(name) between 1 and 200),
  name_folded text not null,
  created integer not null,
  created_by integer not null,
  closed integer not null,
  closed_by integer not null,
  primary key (workspace, id)
) strict;

CREATE TABLE team_member (
  workspace integer not null references workspace (id),
  id integer not null,
  team integer not null,
  member integer not null,
  added integer not null,
  added_by integer not null,
  removed integer not null,
  removed_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, team) references team (workspace, id),
  foreign key (workspace, member) references member (workspace, id)
) strict;

CREATE TABLE thread (
  workspace integer not null,
  id integer not null,
  source integer not null,
  root text not null,
  primary key (workspace, id),
  unique (workspace, source, root),
  foreign key (workspace, source) references source (workspace, id)
) strict;

CREATE TABLE tombstone (
  workspace integer not null references workspace (id),
  key blob not null,
  -- 0: for good
  until integer not null, before integer not null default 0,
  primary key (workspace, key)
) strict;

CREATE TABLE urgent (
  workspace integer not null,
  id integer not null,
  conversation integer not null,
  why text not null check (why in ('hand', 'danger', 'self_harm', 'threat', 'press')),
  -- the message that a rule found it in; 0: a member said so
  message integer not null,
  -- who said so; 0: a rule
  member integer not null,
  at integer not null,
  ended integer not null,
  -- who took it back or finished; 0: our answer did
  ended_by integer not null,
  primary key (workspace, id),
  foreign key (workspace, conversation) references conversation (workspace, id)
) strict;

CREATE TABLE webhook (
  workspace integer not null references workspace (id),
  id integer not null,
  url text not null,
  -- what it is told of, space-separated; '' is everything
  groups text not null,
  secret blob not null,
  made integer not null,
  made_by integer not null,
  -- the number of the last event that it accepted, or did not ask for
  bookmark integer not null,
  -- when it last accepted one
  sent integer not null,
  -- since when it has accepted none, how often it was tried since, when it is tried
  -- again, and what came back instead; 0 while all is well
  failing integer not null,
  tries integer not null,
  due integer not null,
  said text not null,
  -- since when it is told nothing; gave_up: because it had failed for days
  paused integer not null,
  gave_up integer not null check (gave_up in (0, 1)),
  primary key (workspace, id)
) strict;

CREATE TABLE workspace (
  id integer primary key,
  slug text not null unique check (length(slug) between 1 and 40),
  name text not null check (length(name) between 1 and 200),
  locale text not null,
  zone text not null,
  created integer not null,
  closed integer not null,
  -- days that messages of outside people are kept; 0: as long as the network allows
  keep_days integer not null check (keep_days >= 0)
) strict;

CREATE INDEX account_begin_until on account_begin (until);

CREATE INDEX account_feed_due on account_feed (due);

CREATE INDEX answer_conversation on answer (workspace, conversation);

CREATE INDEX api_answer_until on api_answer (until);

CREATE INDEX api_token_member on api_token (workspace, member) where revoked = 0;

CREATE INDEX ask_conversation on ask (workspace, conversation, made);

CREATE INDEX ask_member on ask (workspace, member, made);

CREATE INDEX claim_ask_conversation on claim_ask (workspace, conversation);

CREATE UNIQUE INDEX claim_ask_open on claim_ask (workspace, conversation) where ended = 0;

CREATE INDEX claim_conversation on claim (workspace, conversation);

CREATE UNIQUE INDEX claim_open on claim (workspace, conversation) where ended = 0;

CREATE INDEX conversation_account on conversation (workspace, account, state, last_at) where kind <> 'item';

CREATE INDEX conversation_identity on conversation (workspace, identity, last_at);

CREATE INDEX conversation_later on conversation (workspace, snoozed) where snoozed > 0;

CREATE INDEX conversation_list on conversation (workspace, state, last_at) where kind <> 'item';

CREATE INDEX conversation_mine on conversation (workspace, claimed_by, last_at) where claimed_by > 0;

CREATE INDEX conversation_reading on conversation (workspace, state, last_at) where kind = 'item';

CREATE INDEX conversation_thread on conversation (workspace, thread, state, last_at);

CREATE INDEX conversation_waiting on conversation (workspace, (waiting - urgent * 9000000000000000), id) where state = 'open' and waiting > 0;

CREATE INDEX delivery_attempt_of on delivery_attempt (workspace, delivery, id);

CREATE UNIQUE INDEX delivery_attempt_open on delivery_attempt (workspace, delivery) where closed = 0;

CREATE INDEX delivery_due on delivery (due) where state in ('accepted', 'planned', 'sending');

CREATE INDEX delivery_open on delivery (workspace, id) where state not in ('sent', 'discarded', 'called_back');

CREATE INDEX delivery_subject on delivery (workspace, kind, subject, id);

CREATE INDEX event_personal_about on event_personal (workspace, about);

CREATE INDEX event_subject on event (workspace, kind, subject, n);

CREATE INDEX handover_conversation on handover (workspace, conversation);

CREATE INDEX handover_member on handover (workspace, to_member) where ended = 0 and to_member > 0;

CREATE UNIQUE INDEX handover_open on handover (workspace, conversation) where ended = 0;

CREATE INDEX handover_team on handover (workspace, to_team) where ended = 0 and to_team > 0;

CREATE INDEX identity_called on identity (workspace, called);

CREATE INDEX identity_folded on identity (workspace, folded);

CREATE INDEX identity_person on identity (workspace, person);

CREATE INDEX identity_url on identity (workspace, url);

CREATE INDEX identity_word_of on identity_word (workspace, identity);

CREATE UNIQUE INDEX invitation_open on invitation (workspace, email_folded) where accepted = 0 and revoked = 0;

CREATE INDEX job_due on job (due) where state = 'waiting';

CREATE INDEX job_finished on job (finished) where state in ('done', 'failed');

CREATE UNIQUE INDEX job_key on job (workspace, kind, key) where state in ('waiting', 'running') and key <> '';

CREATE INDEX job_lease on job (lease) where state = 'running';

CREATE UNIQUE INDEX label_name on label (workspace, name_folded) where retired = 0;

CREATE INDEX label_part on label (workspace, part_of) where part_of > 0;

CREATE INDEX labelling_conversation on labelling (workspace, conversation);

CREATE INDEX labelling_of on labelling (workspace, label, conversation) where ended = 0;

CREATE UNIQUE INDEX labelling_once on labelling (workspace, conversation, label) where ended = 0;

CREATE INDEX letter_about on letter (workspace, purpose, about, id);

CREATE INDEX letter_made on letter (made);

CREATE UNIQUE INDEX login_email on login (email_folded) where removed = 0;

CREATE INDEX login_identity_login on login_identity (login);

CREATE UNIQUE INDEX login_identity_subject on login_identity (issuer, subject);

CREATE INDEX login_link_login on login_link (login);

CREATE INDEX login_session_login on login_session (login);

CREATE INDEX login_step_place on login_step (place, until);

CREATE INDEX login_throttle_last on login_throttle (last);

CREATE INDEX media_ref_subject on media_ref (workspace, kind, subject);

CREATE INDEX member_login on member (login) where departed = 0;

CREATE UNIQUE INDEX member_present on member (workspace, login) where departed = 0;

CREATE INDEX message_age on message (workspace, at) where own = 0;

CREATE INDEX message_author on message (workspace, author, id);

CREATE INDEX message_keep on message (keep_until) where keep_until > 0;

CREATE INDEX message_orphan on message (workspace, seen) where parent <> '' and own = 0 and gone = 0 and direct = 0;

CREATE INDEX message_parent on message (workspace, source, parent) where parent <> '';

CREATE INDEX message_quote on message (workspace, source, quote) where quote <> '';

CREATE INDEX message_thread on message (workspace, thread, at);

CREATE INDEX note_conversation on note (workspace, conversation, at);

CREATE INDEX note_mention_member on note_mention (workspace, member);

CREATE INDEX note_version_note on note_version (workspace, note);

CREATE INDEX note_version_until on note_version (workspace, until);

CREATE INDEX notification_about on notification (workspace, about) where about > 0;

CREATE INDEX notification_conversation on notification (workspace, conversation) where conversation > 0;

CREATE INDEX notification_newest on notification (workspace, member, made, id);

CREATE UNIQUE INDEX notification_once on notification (workspace, member, kind, conversation, about) where read = 0;

CREATE INDEX notification_untold on notification (workspace, member) where told = 0 and read = 0;

CREATE INDEX passkey_login on passkey (login);

CREATE INDEX person_join_other on person_join (workspace, other);

CREATE INDEX person_join_person on person_join (workspace, person);

CREATE UNIQUE INDEX person_mark_open on person_mark (workspace, person, kind) where ended = 0;

CREATE INDEX person_mark_person on person_mark (workspace, person);

CREATE INDEX person_note_person on person_note (workspace, person);

CREATE INDEX person_one on person (workspace, one);

CREATE INDEX reach_conversation on reach (workspace, conversation, message);

CREATE INDEX reply_draft_member on reply_draft (workspace, member);

CREATE INDEX response_answered on response (workspace, answered);

CREATE INDEX response_message on response (workspace, message);

CREATE UNIQUE INDEX right_grant_once on right_grant (workspace, member, role, scope_kind, scope_id) where ended = 0;

CREATE UNIQUE INDEX saved_view_name on saved_view (workspace, member, name_folded) where removed = 0;

CREATE INDEX snooze_conversation on snooze (workspace, conversation);

CREATE INDEX snooze_due on snooze (workspace, until) where ended = 0;

CREATE UNIQUE INDEX snooze_open on snooze (workspace, conversation) where ended = 0;

CREATE INDEX team_member_of on team_member (workspace, member) where removed = 0;

CREATE UNIQUE INDEX team_member_once on team_member (workspace, team, member) where removed = 0;

CREATE UNIQUE INDEX team_name on team (workspace, name_folded) where closed = 0;

CREATE INDEX tombstone_until on tombstone (until) where until > 0;

CREATE INDEX urgent_conversation on urgent (workspace, conversation);

CREATE UNIQUE INDEX urgent_open on urgent (workspace, conversation, why) where ended = 0;

CREATE INDEX webhook_due on webhook (due) where paused = 0;

