-- why: a restored installation must not send by itself what the one that made the
-- archive may have sent since. Such a delivery is only looked for; what is still
-- to be sent of it waits for a member.
alter table delivery add column looking bigint not null default 0 check (looking in (0, 1));
