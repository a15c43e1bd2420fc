-- why: an organisation that has one sign-in for everything wants it here too. Who
-- somebody is there is the pair of issuer and subject; an address is no proof of
-- it, since addresses change hands.

create table login_identity (
  id bigint primary key,
  login bigint not null references login (id),
  issuer text not null,
  subject text not null,
  created bigint not null,
  used bigint not null
);
create unique index login_identity_subject on login_identity (issuer, subject);
create index login_identity_login on login_identity (login);
