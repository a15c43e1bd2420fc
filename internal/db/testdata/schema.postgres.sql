create table account (
  workspace bigint not null,
  id bigint not null,
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
  state text not null,
  reason text not null,
  message text not null,
  help text not null default ''::text,
  since bigint not null,
  secret bytea not null,
  secret_generation bigint not null,
  secret_expires bigint not null,
  secret_refresh_by bigint not null,
  refresh_owner text not null,
  refresh_lease bigint not null,
  capabilities bytea not null,
  capabilities_until bigint not null,
  signature text not null,
  simulated bigint not null,
  created bigint not null,
  created_by bigint not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, network, instance, remote_id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (signature = ANY (ARRAY[''::text, 'caret'::text])),
  CHECK (simulated = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (state = ANY (ARRAY['connected'::text, 'broken'::text, 'disconnected'::text]))
);

create table account_begin (
  workspace bigint not null,
  id bigint not null,
  hash bytea not null,
  member bigint not null,
  network text not null,
  account bigint not null,
  hint text not null,
  blob bytea not null,
  until bigint not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (hash),
  FOREIGN KEY (workspace) REFERENCES workspace(id)
);

create table account_feed (
  workspace bigint not null,
  account bigint not null,
  feed text not null,
  offered bigint not null,
  cursor bytea not null,
  owner text not null,
  generation bigint not null,
  lease bigint not null,
  due bigint not null,
  hinted bigint not null,
  tried bigint not null,
  worked bigint not null,
  failures bigint not null,
  kind text not null,
  native text not null,
  message text not null,
  help text not null,
  gap bigint not null,
  gap_why text not null,
  rate_limit bigint not null,
  rate_left bigint not null,
  rate_reset bigint not null,
  PRIMARY KEY (workspace, account, feed),
  FOREIGN KEY (workspace, account) REFERENCES account(workspace, id),
  CHECK (hinted = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (offered = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table account_import (
  workspace bigint not null,
  account bigint not null,
  feed text not null,
  since bigint not null,
  cursor bytea not null,
  oldest bigint not null,
  found bigint not null,
  started bigint not null,
  finished bigint not null,
  kind text not null,
  message text not null,
  help text not null,
  resumes bigint not null,
  PRIMARY KEY (workspace, account, feed),
  FOREIGN KEY (workspace, account) REFERENCES account(workspace, id)
);

create table answer (
  workspace bigint not null,
  delivery bigint not null,
  conversation bigint not null,
  message bigint not null,
  member bigint not null,
  key text not null,
  at bigint not null,
  PRIMARY KEY (workspace, delivery),
  UNIQUE (workspace, key),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id)
);

create table api_answer (
  workspace bigint not null,
  token bigint not null,
  key text not null,
  request bytea not null,
  status bigint not null,
  answer bytea not null,
  made bigint not null,
  until bigint not null,
  PRIMARY KEY (workspace, token, key),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (length(key) >= 1 AND length(key) <= 200),
  CHECK (status = 0 OR status >= 100 AND status <= 599)
);

create table api_token (
  workspace bigint not null,
  id bigint not null,
  member bigint not null,
  hash bytea not null,
  name text not null,
  rights text not null,
  created bigint not null,
  until bigint not null,
  used bigint not null,
  revoked bigint not null,
  revoked_by bigint not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (hash),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK (length(name) >= 1 AND length(name) <= 200)
);

create table ask (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  account bigint not null,
  member bigint not null,
  address text not null,
  to_member bigint not null,
  question text not null,
  hash bytea not null,
  made bigint not null,
  until bigint not null,
  shown bigint not null,
  answered bigint not null,
  note bigint not null,
  delivery bigint not null,
  revoked bigint not null,
  revoked_by bigint not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (hash),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK (answered = 0 OR revoked = 0),
  CHECK (shown = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table claim (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null,
  active bigint not null default 0,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK (how = ANY (ARRAY[''::text, 'released'::text, 'answered'::text, 'done'::text, 'taken'::text, 'left'::text, 'handed'::text, 'expired'::text, 'given'::text, 'asked'::text]))
);

create table claim_ask (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  holder bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK ((ended = 0) = (how = ''::text)),
  CHECK (how = ANY (ARRAY[''::text, 'given'::text, 'kept'::text, 'taken'::text, 'over'::text]))
);

create table conversation (
  workspace bigint not null,
  id bigint not null,
  account bigint not null,
  identity bigint not null,
  thread bigint not null,
  kind text not null,
  state text not null,
  waiting bigint not null,
  answered bigint not null,
  last_at bigint not null,
  last_message bigint not null,
  messages bigint not null,
  claimed_by bigint not null,
  claimed_at bigint not null,
  changed bigint not null,
  created bigint not null,
  lang text not null default ''::text,
  snoozed bigint not null default 0,
  urgent bigint not null default 0,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, account, identity, thread, kind),
  FOREIGN KEY (workspace, account) REFERENCES account(workspace, id),
  FOREIGN KEY (workspace, identity) REFERENCES identity(workspace, id),
  CHECK ((kind = 'direct'::text) = (thread = 0)),
  CHECK (kind = ANY (ARRAY['public'::text, 'direct'::text, 'item'::text])),
  CHECK (state = ANY (ARRAY['open'::text, 'done'::text])),
  CHECK (urgent = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table delivery (
  workspace bigint not null,
  id bigint not null,
  account bigint not null,
  kind text not null,
  subject bigint not null,
  member bigint,
  draft bytea not null,
  hash bytea not null,
  accepted bigint not null,
  not_before bigint not null,
  state text not null,
  round bigint not null,
  plan bytea not null,
  progress text not null,
  due bigint not null,
  trouble text not null,
  since bigint not null,
  tries bigint not null,
  reason text not null,
  reason_args text not null,
  help text not null,
  said text not null,
  evidence text not null,
  changed bigint not null,
  looking bigint not null default 0,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  FOREIGN KEY (workspace, account) REFERENCES account(workspace, id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK ((state <> ALL (ARRAY['failed'::text, 'unknown'::text])) OR reason <> ''::text),
  CHECK ((state <> ALL (ARRAY['sent'::text, 'discarded'::text, 'called_back'::text])) OR length(plan) = 0),
  CHECK (kind <> ''::text),
  CHECK (looking = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (round > 0),
  CHECK (state <> 'accepted'::text OR length(plan) = 0),
  CHECK (state = ANY (ARRAY['accepted'::text, 'planned'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'unknown'::text, 'discarded'::text, 'called_back'::text])),
  CHECK (trouble = ANY (ARRAY[''::text, 'transient'::text, 'pending'::text]))
);

create table delivery_attempt (
  workspace bigint not null,
  id bigint not null,
  delivery bigint not null,
  step bigint not null,
  first bigint not null,
  opened bigint not null,
  deadline bigint not null,
  ended bigint not null,
  closed bigint not null,
  outcome text not null,
  duplicate bigint not null,
  looks bigint not null,
  looked bigint not null,
  absent bigint not null,
  again bigint not null,
  detail text not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, delivery) REFERENCES delivery(workspace, id),
  CHECK ((closed = 0) = (outcome = ''::text)),
  CHECK (again = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (duplicate = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (outcome = ANY (ARRAY[''::text, 'sent'::text, 'pending'::text, 'not_sent'::text, 'repeated'::text, 'abandoned'::text]))
);

create table delivery_part (
  workspace bigint not null,
  delivery bigint not null,
  part bigint not null,
  ref bytea not null,
  at bigint not null,
  told bigint not null,
  PRIMARY KEY (workspace, delivery, part),
  FOREIGN KEY (workspace, delivery) REFERENCES delivery(workspace, id)
);

create table desk_rule (
  workspace bigint not null,
  claim_minutes bigint not null,
  call_back bigint not null,
  changed bigint not null,
  changed_by bigint not null,
  PRIMARY KEY (workspace),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (call_back >= 0 AND call_back <= 30),
  CHECK (claim_minutes >= 0 AND claim_minutes <= 10080)
);

create table event (
  workspace bigint not null,
  n bigint not null,
  at bigint not null,
  actor_kind text not null,
  actor bigint not null,
  actor_part text not null,
  verb text not null,
  kind text not null,
  subject bigint not null,
  details text not null,
  sealed bytea,
  leaf bytea not null,
  PRIMARY KEY (workspace, n),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (actor_kind = ANY (ARRAY['member'::text, 'system'::text])),
  CHECK (n > 0)
);

create table event_cursor (
  workspace bigint not null,
  consumer text not null,
  n bigint not null,
  PRIMARY KEY (workspace, consumer),
  FOREIGN KEY (workspace) REFERENCES workspace(id)
);

create table event_head (
  workspace bigint not null,
  n bigint not null,
  PRIMARY KEY (workspace),
  FOREIGN KEY (workspace) REFERENCES workspace(id)
);

create table event_personal (
  workspace bigint not null,
  n bigint not null,
  about bigint not null,
  salt bytea not null,
  details text not null,
  PRIMARY KEY (workspace, n),
  FOREIGN KEY (workspace, n) REFERENCES event(workspace, n)
);

create table handover (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  by_member bigint not null,
  to_member bigint not null,
  to_team bigint not null,
  note bigint not null,
  back bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  CHECK ((ended = 0) = (how = ''::text)),
  CHECK ((to_member = 0) <> (to_team = 0)),
  CHECK (back = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (how = ANY (ARRAY[''::text, 'claimed'::text, 'returned'::text, 'again'::text, 'done'::text, 'left'::text]))
);

create table identity (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  source bigint not null,
  remote_id text not null,
  handle text not null,
  name text not null,
  url text not null,
  avatar text not null,
  bot bigint not null,
  created bigint not null,
  folded text not null default ''::text,
  called text not null default ''::text,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, source, remote_id),
  FOREIGN KEY (workspace, person) REFERENCES person(workspace, id),
  FOREIGN KEY (workspace, source) REFERENCES source(workspace, id),
  CHECK (bot = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table identity_word (
  workspace bigint not null,
  word text not null,
  identity bigint not null,
  PRIMARY KEY (workspace, word, identity),
  FOREIGN KEY (workspace, identity) REFERENCES identity(workspace, id) ON DELETE CASCADE
);

create table invitation (
  workspace bigint not null,
  id bigint not null,
  email text not null,
  email_folded text not null,
  hash bytea not null,
  made bigint not null,
  made_by bigint not null,
  until bigint not null,
  accepted bigint not null,
  accepted_by bigint not null,
  revoked bigint not null,
  revoked_by bigint not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (hash),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (accepted = 0 OR revoked = 0)
);

create table invitation_role (
  workspace bigint not null,
  invitation bigint not null,
  role text not null,
  scope_kind text not null,
  scope_id bigint not null,
  PRIMARY KEY (workspace, invitation, role, scope_kind, scope_id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  FOREIGN KEY (workspace, invitation) REFERENCES invitation(workspace, id),
  CHECK ((scope_kind = ''::text) = (scope_id = 0)),
  CHECK (role <> 'owner'::text OR scope_kind = ''::text),
  CHECK (role = ANY (ARRAY['owner'::text, 'steward'::text, 'voice'::text, 'contributor'::text, 'reviewer'::text, 'observer'::text])),
  CHECK (scope_kind = ANY (ARRAY[''::text, 'account'::text, 'team'::text]))
);

create table job (
  id bigint not null,
  workspace bigint not null,
  kind text not null,
  key text not null,
  payload bytea not null,
  due bigint not null,
  attempt bigint not null,
  owner text not null,
  lease bigint not null,
  state text not null,
  error text not null,
  created bigint not null,
  finished bigint not null,
  PRIMARY KEY (id),
  CHECK (state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text]))
);

create table label (
  workspace bigint not null,
  id bigint not null,
  name text not null,
  name_folded text not null,
  hue text not null,
  created bigint not null,
  created_by bigint not null,
  retired bigint not null,
  retired_by bigint not null,
  part_of bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (hue = ANY (ARRAY['clay'::text, 'amber'::text, 'olive'::text, 'leaf'::text, 'lake'::text, 'sky'::text, 'plum'::text, 'rose'::text])),
  CHECK (length(name) >= 1 AND length(name) <= 60)
);

create table labelling (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  label bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  FOREIGN KEY (workspace, label) REFERENCES label(workspace, id)
);

create table letter (
  workspace bigint not null,
  id bigint not null,
  purpose text not null,
  about bigint not null,
  sealed bytea not null,
  made bigint not null,
  until bigint not null,
  sent bigint not null,
  failed bigint not null,
  said text not null,
  PRIMARY KEY (workspace, id),
  CHECK (sent = 0 OR failed = 0)
);

create table login (
  id bigint not null,
  email text not null,
  email_folded text not null,
  name text not null,
  password text not null,
  locale text not null,
  created bigint not null,
  removed bigint not null,
  PRIMARY KEY (id),
  CHECK (removed <> 0 OR email <> ''::text AND email_folded <> ''::text AND password <> ''::text),
  CHECK (removed = 0 OR email = ''::text AND email_folded = ''::text AND password = ''::text)
);

create table login_identity (
  id bigint not null,
  login bigint not null,
  issuer text not null,
  subject text not null,
  created bigint not null,
  used bigint not null,
  PRIMARY KEY (id),
  FOREIGN KEY (login) REFERENCES login(id)
);

create table login_link (
  hash bytea not null,
  purpose text not null,
  login bigint not null,
  made bigint not null,
  until bigint not null,
  PRIMARY KEY (hash),
  CHECK ((purpose = 'setup'::text) = (login = 0)),
  CHECK (purpose = ANY (ARRAY['setup'::text, 'password'::text]))
);

create table login_place (
  login bigint not null,
  place bytea not null,
  seen bigint not null,
  PRIMARY KEY (login, place),
  FOREIGN KEY (login) REFERENCES login(id)
);

create table login_session (
  id bigint not null,
  login bigint not null,
  hash bytea not null,
  created bigint not null,
  seen bigint not null,
  until bigint not null,
  agent text not null,
  address text not null,
  PRIMARY KEY (id),
  UNIQUE (hash),
  FOREIGN KEY (login) REFERENCES login(id)
);

create table login_step (
  hash bytea not null,
  purpose text not null,
  login bigint not null,
  data text not null,
  place bytea not null,
  until bigint not null,
  PRIMARY KEY (hash)
);

create table login_throttle (
  bucket bytea not null,
  tries bigint not null,
  last bigint not null,
  next bigint not null,
  PRIMARY KEY (bucket)
);

create table media (
  workspace bigint not null,
  digest bytea not null,
  kind text not null,
  mime text not null,
  width bigint not null,
  height bigint not null,
  size bigint not null,
  created bigint not null,
  refs bigint not null,
  PRIMARY KEY (workspace, digest),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (refs >= 0),
  CHECK (size >= 0)
);

create table media_chunk (
  workspace bigint not null,
  digest bytea not null,
  n bigint not null,
  bytes bytea not null,
  PRIMARY KEY (workspace, digest, n),
  FOREIGN KEY (workspace, digest) REFERENCES media(workspace, digest)
);

create table media_ref (
  workspace bigint not null,
  digest bytea not null,
  kind text not null,
  subject bigint not null,
  PRIMARY KEY (workspace, digest, kind, subject),
  FOREIGN KEY (workspace, digest) REFERENCES media(workspace, digest)
);

create table member (
  workspace bigint not null,
  id bigint not null,
  login bigint not null,
  name text not null,
  joined bigint not null,
  departed bigint not null,
  departed_by bigint not null,
  reason text not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (login) REFERENCES login(id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (length(name) >= 1 AND length(name) <= 200)
);

create table message (
  id bigint not null,
  workspace bigint not null,
  source bigint not null,
  remote_id text not null,
  version text not null,
  parent text not null,
  thread bigint not null,
  author bigint not null,
  own bigint not null,
  delivery bigint not null,
  by_member bigint not null,
  visibility text not null,
  body text not null,
  spans text not null,
  lang text not null,
  warning text not null,
  media text not null,
  quote text not null,
  url text not null,
  at bigint not null,
  seen bigint not null,
  edited bigint not null,
  gone bigint not null,
  keep_until bigint not null,
  direct bigint not null,
  quiet bigint not null default 0,
  PRIMARY KEY (id),
  UNIQUE (workspace, id),
  UNIQUE (workspace, source, remote_id),
  FOREIGN KEY (workspace, author) REFERENCES identity(workspace, id),
  FOREIGN KEY (workspace, thread) REFERENCES thread(workspace, id),
  CHECK (direct = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (quiet = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table message_search (
  id bigint not null,
  tokens tsvector not null,
  PRIMARY KEY (id)
);

create table message_version (
  workspace bigint not null,
  message bigint not null,
  version text not null,
  body text not null,
  spans text not null,
  warning text not null,
  media text not null,
  at bigint not null,
  until bigint not null,
  PRIMARY KEY (workspace, message, version),
  FOREIGN KEY (workspace, message) REFERENCES message(workspace, id)
);

create table network_app (
  network text not null,
  instance text not null,
  redirect text not null,
  app text not null,
  secret bytea not null,
  created bigint not null,
  PRIMARY KEY (network, instance, redirect)
);

create table node (
  number bigint not null,
  owner text not null,
  lease bigint not null,
  seen bigint not null,
  PRIMARY KEY (number),
  CHECK (number >= 0 AND number <= 1023)
);

create table note (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  body text not null,
  at bigint not null,
  edited bigint not null,
  deleted bigint not null,
  deleted_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK (deleted = 0 OR body = ''::text)
);

create table note_mention (
  workspace bigint not null,
  note bigint not null,
  member bigint not null,
  PRIMARY KEY (workspace, note, member),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  FOREIGN KEY (workspace, note) REFERENCES note(workspace, id)
);

create table note_version (
  workspace bigint not null,
  id bigint not null,
  note bigint not null,
  body text not null,
  at bigint not null,
  until bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, note) REFERENCES note(workspace, id)
);

create table notification (
  workspace bigint not null,
  id bigint not null,
  member bigint not null,
  kind text not null,
  conversation bigint not null,
  account bigint not null,
  about bigint not null,
  event bigint not null,
  times bigint not null,
  made bigint not null,
  read bigint not null,
  told bigint not null default 0,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK (times > 0)
);

create table notify_choice (
  workspace bigint not null,
  member bigint not null,
  mail text not null,
  quiet_from bigint not null,
  quiet_to bigint not null,
  quiet_days bigint not null,
  urgent bigint not null,
  zone text not null,
  digest text not null,
  changed bigint not null,
  PRIMARY KEY (workspace, member),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK (digest = ANY (ARRAY[''::text, 'daily'::text, 'weekly'::text])),
  CHECK (quiet_days >= 0 AND quiet_days <= 127),
  CHECK (quiet_from >= 0 AND quiet_from <= 1439),
  CHECK (quiet_to >= 0 AND quiet_to <= 1439),
  CHECK (urgent = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table notify_mailed (
  workspace bigint not null,
  member bigint not null,
  mailed bigint not null,
  digested bigint not null,
  PRIMARY KEY (workspace, member),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id)
);

create table passkey (
  id bigint not null,
  login bigint not null,
  credential bytea not null,
  name text not null,
  record text not null,
  created bigint not null,
  used bigint not null,
  doubted bigint not null,
  PRIMARY KEY (id),
  UNIQUE (credential),
  FOREIGN KEY (login) REFERENCES login(id),
  CHECK (length(name) >= 1 AND length(name) <= 200)
);

create table person (
  workspace bigint not null,
  id bigint not null,
  created bigint not null,
  one bigint not null default 0,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id)
);

create table person_join (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  other bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, other) REFERENCES person(workspace, id),
  FOREIGN KEY (workspace, person) REFERENCES person(workspace, id),
  CHECK (person <> other)
);

create table person_mark (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  kind text not null,
  reason text not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, person) REFERENCES person(workspace, id),
  CHECK (kind = ANY (ARRAY['press'::text, 'official'::text, 'neighbour'::text, 'friend'::text, 'alone'::text]))
);

create table person_note (
  workspace bigint not null,
  id bigint not null,
  person bigint not null,
  body text not null,
  member bigint not null,
  at bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, person) REFERENCES person(workspace, id)
);

create table promise (
  workspace bigint not null,
  minutes bigint not null,
  week text not null,
  holidays text not null,
  set_by bigint not null,
  set_at bigint not null,
  PRIMARY KEY (workspace),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (minutes >= 0)
);

create table reach (
  workspace bigint not null,
  message bigint not null,
  account bigint not null,
  conversation bigint not null,
  gone bigint not null default 0,
  thanks bigint not null default 0,
  PRIMARY KEY (workspace, message, account),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  FOREIGN KEY (workspace, message) REFERENCES message(workspace, id),
  CHECK (thanks = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table reply_draft (
  workspace bigint not null,
  conversation bigint not null,
  member bigint not null,
  version bigint not null,
  body text not null,
  warning text not null,
  visibility text not null,
  lang text not null,
  at bigint not null,
  PRIMARY KEY (workspace, conversation, member),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK (version > 0)
);

create table response (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  message bigint not null,
  waited bigint not null,
  answered bigint not null,
  open bigint not null,
  due bigint not null,
  elsewhere bigint not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, conversation, message),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  CHECK (answered >= waited),
  CHECK (elsewhere = ANY (ARRAY[0::bigint, 1::bigint])),
  CHECK (open >= 0)
);

create table right_grant (
  workspace bigint not null,
  id bigint not null,
  member bigint not null,
  role text not null,
  scope_kind text not null,
  scope_id bigint not null,
  reason text not null,
  given bigint not null,
  given_by bigint not null,
  until bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  ended_reason text not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  CHECK ((scope_kind = ''::text) = (scope_id = 0)),
  CHECK (role <> 'owner'::text OR scope_kind = ''::text AND until = 0),
  CHECK (role = ANY (ARRAY['owner'::text, 'steward'::text, 'voice'::text, 'contributor'::text, 'reviewer'::text, 'observer'::text])),
  CHECK (scope_kind = ANY (ARRAY[''::text, 'account'::text, 'team'::text]))
);

create table saved_view (
  workspace bigint not null,
  id bigint not null,
  member bigint not null,
  name text not null,
  name_folded text not null,
  query text not null,
  created bigint not null,
  created_by bigint not null,
  removed bigint not null,
  removed_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (length(name) >= 1 AND length(name) <= 60)
);

create table setting (
  name text not null,
  value bytea not null,
  PRIMARY KEY (name)
);

create table snooze (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  member bigint not null,
  at bigint not null,
  until bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  how text not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  CHECK (how = ANY (ARRAY[''::text, 'came'::text, 'said'::text, 'woken'::text, 'again'::text, 'done'::text, 'answered'::text, 'left'::text])),
  CHECK (until > at)
);

create table source (
  workspace bigint not null,
  id bigint not null,
  network text not null,
  instance text not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, network, instance),
  FOREIGN KEY (workspace) REFERENCES workspace(id)
);

create table team (
  workspace bigint not null,
  id bigint not null,
  name text not null,
  name_folded text not null,
  created bigint not null,
  created_by bigint not null,
  closed bigint not null,
  closed_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (length(name) >= 1 AND length(name) <= 200)
);

create table team_member (
  workspace bigint not null,
  id bigint not null,
  team bigint not null,
  member bigint not null,
  added bigint not null,
  added_by bigint not null,
  removed bigint not null,
  removed_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  FOREIGN KEY (workspace, member) REFERENCES member(workspace, id),
  FOREIGN KEY (workspace, team) REFERENCES team(workspace, id)
);

create table thread (
  workspace bigint not null,
  id bigint not null,
  source bigint not null,
  root text not null,
  PRIMARY KEY (workspace, id),
  UNIQUE (workspace, source, root),
  FOREIGN KEY (workspace, source) REFERENCES source(workspace, id)
);

create table tombstone (
  workspace bigint not null,
  key bytea not null,
  until bigint not null,
  before bigint not null default 0,
  PRIMARY KEY (workspace, key),
  FOREIGN KEY (workspace) REFERENCES workspace(id)
);

create table urgent (
  workspace bigint not null,
  id bigint not null,
  conversation bigint not null,
  why text not null,
  message bigint not null,
  member bigint not null,
  at bigint not null,
  ended bigint not null,
  ended_by bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace, conversation) REFERENCES conversation(workspace, id),
  CHECK (why = ANY (ARRAY['hand'::text, 'danger'::text, 'self_harm'::text, 'threat'::text, 'press'::text]))
);

create table webhook (
  workspace bigint not null,
  id bigint not null,
  url text not null,
  groups text not null,
  secret bytea not null,
  made bigint not null,
  made_by bigint not null,
  bookmark bigint not null,
  sent bigint not null,
  failing bigint not null,
  tries bigint not null,
  due bigint not null,
  said text not null,
  paused bigint not null,
  gave_up bigint not null,
  PRIMARY KEY (workspace, id),
  FOREIGN KEY (workspace) REFERENCES workspace(id),
  CHECK (gave_up = ANY (ARRAY[0::bigint, 1::bigint]))
);

create table workspace (
  id bigint not null,
  slug text not null,
  name text not null,
  locale text not null,
  zone text not null,
  created bigint not null,
  closed bigint not null,
  keep_days bigint not null,
  PRIMARY KEY (id),
  UNIQUE (slug),
  CHECK (keep_days >= 0),
  CHECK (length(name) >= 1 AND length(name) <= 200),
  CHECK (length(slug) >= 1 AND length(slug) <= 40)
);

CREATE INDEX account_begin_until ON account_begin USING btree (until);

CREATE INDEX account_feed_due ON account_feed USING btree (due);

CREATE INDEX answer_conversation ON answer USING btree (workspace, conversation);

CREATE INDEX api_answer_until ON api_answer USING btree (until);

CREATE INDEX api_token_member ON api_token USING btree (workspace, member) WHERE revoked = 0;

CREATE INDEX ask_conversation ON ask USING btree (workspace, conversation, made);

CREATE INDEX ask_member ON ask USING btree (workspace, member, made);

CREATE INDEX claim_ask_conversation ON claim_ask USING btree (workspace, conversation);

CREATE UNIQUE INDEX claim_ask_open ON claim_ask USING btree (workspace, conversation) WHERE ended = 0;

CREATE INDEX claim_conversation ON claim USING btree (workspace, conversation);

CREATE UNIQUE INDEX claim_open ON claim USING btree (workspace, conversation) WHERE ended = 0;

CREATE INDEX conversation_account ON conversation USING btree (workspace, account, state, last_at) WHERE kind <> 'item'::text;

CREATE INDEX conversation_identity ON conversation USING btree (workspace, identity, last_at);

CREATE INDEX conversation_later ON conversation USING btree (workspace, snoozed) WHERE snoozed > 0;

CREATE INDEX conversation_list ON conversation USING btree (workspace, state, last_at) WHERE kind <> 'item'::text;

CREATE INDEX conversation_mine ON conversation USING btree (workspace, claimed_by, last_at) WHERE claimed_by > 0;

CREATE INDEX conversation_reading ON conversation USING btree (workspace, state, last_at) WHERE kind = 'item'::text;

CREATE INDEX conversation_thread ON conversation USING btree (workspace, thread, state, last_at);

CREATE INDEX conversation_waiting ON conversation USING btree (workspace, (waiting - urgent * '9000000000000000'::bigint), id) WHERE state = 'open'::text AND waiting > 0;

CREATE INDEX delivery_attempt_of ON delivery_attempt USING btree (workspace, delivery, id);

CREATE UNIQUE INDEX delivery_attempt_open ON delivery_attempt USING btree (workspace, delivery) WHERE closed = 0;

CREATE INDEX delivery_due ON delivery USING btree (due) WHERE state = ANY (ARRAY['accepted'::text, 'planned'::text, 'sending'::text]);

CREATE INDEX delivery_open ON delivery USING btree (workspace, id) WHERE state <> ALL (ARRAY['sent'::text, 'discarded'::text, 'called_back'::text]);

CREATE INDEX delivery_subject ON delivery USING btree (workspace, kind, subject, id);

CREATE INDEX event_personal_about ON event_personal USING btree (workspace, about);

CREATE INDEX event_subject ON event USING btree (workspace, kind, subject, n);

CREATE INDEX handover_conversation ON handover USING btree (workspace, conversation);

CREATE INDEX handover_member ON handover USING btree (workspace, to_member) WHERE ended = 0 AND to_member > 0;

CREATE UNIQUE INDEX handover_open ON handover USING btree (workspace, conversation) WHERE ended = 0;

CREATE INDEX handover_team ON handover USING btree (workspace, to_team) WHERE ended = 0 AND to_team > 0;

CREATE INDEX identity_called ON identity USING btree (workspace, called);

CREATE INDEX identity_folded ON identity USING btree (workspace, folded);

CREATE INDEX identity_person ON identity USING btree (workspace, person);

CREATE INDEX identity_url ON identity USING btree (workspace, url);

CREATE INDEX identity_word_of ON identity_word USING btree (workspace, identity);

CREATE UNIQUE INDEX invitation_open ON invitation USING btree (workspace, email_folded) WHERE accepted = 0 AND revoked = 0;

CREATE INDEX job_due ON job USING btree (due) WHERE state = 'waiting'::text;

CREATE INDEX job_finished ON job USING btree (finished) WHERE state = ANY (ARRAY['done'::text, 'failed'::text]);

CREATE UNIQUE INDEX job_key ON job USING btree (workspace, kind, key) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text])) AND key <> ''::text;

CREATE INDEX job_lease ON job USING btree (lease) WHERE state = 'running'::text;

CREATE UNIQUE INDEX label_name ON label USING btree (workspace, name_folded) WHERE retired = 0;

CREATE INDEX label_part ON label USING btree (workspace, part_of) WHERE part_of > 0;

CREATE INDEX labelling_conversation ON labelling USING btree (workspace, conversation);

CREATE INDEX labelling_of ON labelling USING btree (workspace, label, conversation) WHERE ended = 0;

CREATE UNIQUE INDEX labelling_once ON labelling USING btree (workspace, conversation, label) WHERE ended = 0;

CREATE INDEX letter_about ON letter USING btree (workspace, purpose, about, id);

CREATE INDEX letter_made ON letter USING btree (made);

CREATE UNIQUE INDEX login_email ON login USING btree (email_folded) WHERE removed = 0;

CREATE INDEX login_identity_login ON login_identity USING btree (login);

CREATE UNIQUE INDEX login_identity_subject ON login_identity USING btree (issuer, subject);

CREATE INDEX login_link_login ON login_link USING btree (login);

CREATE INDEX login_session_login ON login_session USING btree (login);

CREATE INDEX login_step_place ON login_step USING btree (place, until);

CREATE INDEX login_throttle_last ON login_throttle USING btree (last);

CREATE INDEX media_ref_subject ON media_ref USING btree (workspace, kind, subject);

CREATE INDEX member_login ON member USING btree (login) WHERE departed = 0;

CREATE UNIQUE INDEX member_present ON member USING btree (workspace, login) WHERE departed = 0;

CREATE INDEX message_age ON message USING btree (workspace, at) WHERE own = 0;

CREATE INDEX message_author ON message USING btree (workspace, author, id);

CREATE INDEX message_keep ON message USING btree (keep_until) WHERE keep_until > 0;

CREATE INDEX message_orphan ON message USING btree (workspace, seen) WHERE parent <> ''::text AND own = 0 AND gone = 0 AND direct = 0;

CREATE INDEX message_parent ON message USING btree (workspace, source, parent) WHERE parent <> ''::text;

CREATE INDEX message_quote ON message USING btree (workspace, source, quote) WHERE quote <> ''::text;

CREATE INDEX message_search_tokens ON message_search USING gin (tokens);

CREATE INDEX message_thread ON message USING btree (workspace, thread, at);

CREATE INDEX note_conversation ON note USING btree (workspace, conversation, at);

CREATE INDEX note_mention_member ON note_mention USING btree (workspace, member);

CREATE INDEX note_version_note ON note_version USING btree (workspace, note);

CREATE INDEX note_version_until ON note_version USING btree (workspace, until);

CREATE INDEX notification_about ON notification USING btree (workspace, about) WHERE about > 0;

CREATE INDEX notification_conversation ON notification USING btree (workspace, conversation) WHERE conversation > 0;

CREATE INDEX notification_newest ON notification USING btree (workspace, member, made, id);

CREATE UNIQUE INDEX notification_once ON notification USING btree (workspace, member, kind, conversation, about) WHERE read = 0;

CREATE INDEX notification_untold ON notification USING btree (workspace, member) WHERE told = 0 AND read = 0;

CREATE INDEX passkey_login ON passkey USING btree (login);

CREATE INDEX person_join_other ON person_join USING btree (workspace, other);

CREATE INDEX person_join_person ON person_join USING btree (workspace, person);

CREATE UNIQUE INDEX person_mark_open ON person_mark USING btree (workspace, person, kind) WHERE ended = 0;

CREATE INDEX person_mark_person ON person_mark USING btree (workspace, person);

CREATE INDEX person_note_person ON person_note USING btree (workspace, person);

CREATE INDEX person_one ON person USING btree (workspace, one);

CREATE INDEX reach_conversation ON reach USING btree (workspace, conversation, message);

CREATE INDEX reply_draft_member ON reply_draft USING btree (workspace, member);

CREATE INDEX response_answered ON response USING btree (workspace, answered);

CREATE INDEX response_message ON response USING btree (workspace, message);

CREATE UNIQUE INDEX right_grant_once ON right_grant USING btree (workspace, member, role, scope_kind, scope_id) WHERE ended = 0;

CREATE UNIQUE INDEX saved_view_name ON saved_view USING btree (workspace, member, name_folded) WHERE removed = 0;

CREATE INDEX snooze_conversation ON snooze USING btree (workspace, conversation);

CREATE INDEX snooze_due ON snooze USING btree (workspace, until) WHERE ended = 0;

CREATE UNIQUE INDEX snooze_open ON snooze USING btree (workspace, conversation) WHERE ended = 0;

CREATE INDEX team_member_of ON team_member USING btree (workspace, member) WHERE removed = 0;

CREATE UNIQUE INDEX team_member_once ON team_member USING btree (workspace, team, member) WHERE removed = 0;

CREATE UNIQUE INDEX team_name ON team USING btree (workspace, name_folded) WHERE closed = 0;

CREATE INDEX tombstone_until ON tombstone USING btree (until) WHERE until > 0;

CREATE INDEX urgent_conversation ON urgent USING btree (workspace, conversation);

CREATE UNIQUE INDEX urgent_open ON urgent USING btree (workspace, conversation, why) WHERE ended = 0;

CREATE INDEX webhook_due ON webhook USING btree (due) WHERE paused = 0;

