package conversation_test

import (
	"context"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/network"
)

// reads stores articles of a feed at an address.
func (b *bundle) reads(address string, es ...network.Event) (n int) {
	b.Helper()
	err := b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = b.desk.Ingest(ctx, tx, actor.System(workspace, "poller"),
			conversation.Arrival{Account: library, Remote: feedAt(address), Feed: network.Items, Events: es})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func feedAt(address string) network.Account {
	return network.Account{Network: "feed", Instance: address, RemoteID: address, Handle: "blog", Name: "Blog"}
}

func (b *bundle) moves(from, to string) {
	b.Helper()
	if err := b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		return b.desk.SourceMoved(ctx, tx, workspace, feedAt(from), feedAt(to))
	}); err != nil {
		b.Fatal(err)
	}
}

func article(address, remote, words string) network.Event {
	e := context_(says(address, remote, "", words, after(0)))
	e.Post.Version = "1"
	return e
}

func TestAFeedThatMovedIsTheSameFeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	const before, now, elsewhere = "http://blog.example/feed", "https://blog.example/feed", "https://other.example/feed"
	b.reads(before, article(before, "guid1", "An article"), article(before, "guid2", "Another"))
	b.reads(elsewhere, article(elsewhere, "guid1", "Of somebody else"))
	b.exec(`delete from reach where message = (select id from message where remote_id = 'guid2')`)
	b.exec(`update message set keep_until = 1 where remote_id = 'guid2'`)
	if n, err := b.desk.Sweep(context.Background(), actor.System(workspace, "retention")); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	b.moves(before, now)
	edit := article(now, "guid1", "An article, corrected")
	edit.Kind, edit.Post.Version, edit.Post.Edited = network.KindEdit, "2", after(minute)
	if n := b.reads(now, edit, article(now, "guid2", "Another")); n != 0 {
		t.Errorf("%d came again", n)
	}
	if n := b.number(`select count(*) from message m join message_version v on v.message = m.id where m.body = 'An article, corrected'`); n != 1 {
		t.Error("the edit is not one of what was known")
	}
	if n := b.number(`select count(*) from identity where remote_id like '%blog.example/feed'`); n != 1 {
		t.Errorf("%d identities of one feed", n)
	}
	// A name that is taken is left to whoever has it.
	b.moves(now, elsewhere)
	if n := b.number(`select count(*) from source where network = 'feed' and instance in ($1, $2)`, now, elsewhere); n != 2 {
		t.Errorf("%d of two sources are left", n)
	}
	// And whoever takes the old address begins anew.
	if n := b.reads(before, article(before, "guid1", "Of the new owner")); n != 1 {
		t.Error("another feed at the old address is taken for the first")
	}
}
