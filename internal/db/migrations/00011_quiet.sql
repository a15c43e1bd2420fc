-- why: automatic replies, newsletters and what a program sent in our name stand in a
-- conversation like everything else that was said, but nobody waits because of them.

alter table message add column quiet bigint not null default 0 check (quiet in (0, 1));
