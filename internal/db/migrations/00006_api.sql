-- why: a script whose connection broke cannot know whether its request was
-- heard. It sends the same request again under the same key and is told the same
-- answer. Answers are kept for a day, sealed with the token that asked: whoever
-- reads this database learns neither what was asked nor what was answered.

create table api_answer (
  workspace bigint not null references workspace (id),
  token bigint not null,
  key text not null check (length(key) between 1 and 200),
  -- keyed hash of the request, so that another one under the same key is noticed
  request bytea not null,
  -- HTTP status; 0 while the first request is being worked on
  status bigint not null check (status = 0 or status between 100 and 599),
  answer bytea not null,
  made bigint not null,
  until bigint not null,
  primary key (workspace, token, key)
);
create index api_answer_until on api_answer (until);
