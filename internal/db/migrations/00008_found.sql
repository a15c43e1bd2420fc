-- why: erasing, retention, watching and the box of everything open read whole
-- tables; what is gone for one account of ours is not gone for the others; and
-- somebody who was erased must not come back with messages we never had.

create index message_parent on message (workspace, source, parent) where parent <> '';
create index message_quote on message (workspace, source, quote) where quote <> '';
create index message_orphan on message (workspace, seen) where parent <> '' and own = 0 and gone = 0 and direct = 0;
create index message_age on message (workspace, at) where own = 0;
create index claim_conversation on claim (workspace, conversation);

-- Entries of feeds are always open and may be many: they have a list of their own.
drop index conversation_list;
create index conversation_list on conversation (workspace, state, last_at) where kind <> 'item';
create index conversation_reading on conversation (workspace, state, last_at) where kind = 'item';

-- When this account was told that it is gone; 0: it still gets it.
alter table reach add column gone bigint not null default 0;

-- Of a person: what they wrote before this time must not come back; 0: a message.
alter table tombstone add column before bigint not null default 0;
