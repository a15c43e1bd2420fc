package conversation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network"
)

// at narrows what somebody may do to one account.
func at(a actor.Actor, account id.ID) actor.Actor {
	for i := range a.Grants {
		a.Grants[i].Scope = actor.Scope{Kind: "account", ID: account}
	}
	return a
}

// What somebody told one of our accounts, the others' voices do not read, even
// where it stands in a thread that they do.
func TestWordsToTheFollowersOfOneAccountAreNotShownToAnothers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	picture := []network.Media{{Kind: "image", URL: "https://far.example/1.png"}}
	closer := func(e network.Event) network.Event {
		e.Post.Visibility, e.Post.Media = network.Followers, picture
		return e
	}
	open := says("bea", "m1", "", "Is the museum open?", after(0))
	open.Post.Media = picture
	b.ingest(town, open)
	b.ingest(library, closer(says("bea", "m2", "m1", "I was ill, you know", after(minute))))
	b.ingest(library, closer(ours(says("our12", "a2", "m2", "Get well", after(2*minute)))))
	b.ingest(town, closer(says("bea", "m3", "m1", "and I have a voucher", after(3*minute))))
	b.ingest(town, closer(ours(says("our11", "a3", "m3", "Bring it", after(4*minute)))))
	for account, tc := range map[id.ID]struct{ sees, hidden []string }{
		0:       {[]string{"m1", "m2", "a2", "m3", "a3"}, nil},
		town:    {[]string{"m1", "m3", "a3"}, []string{"m2", "a2"}},
		library: {[]string{"m1", "m2", "a2"}, []string{"m3", "a3"}},
	} {
		a := voice(ana)
		if account != 0 {
			a = at(a, account)
		}
		v, err := b.desk.Open(context.Background(), a, b.list(a, conversation.All)[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		var sees []string
		for _, m := range v.Messages {
			sees = append(sees, m.RemoteID)
		}
		if got, want := strings.Join(sees, " "), strings.Join(tc.sees, " "); got != want {
			t.Errorf("a voice of %d sees %s, want %s", account, got, want)
		}
		for _, m := range tc.sees {
			if got, err := b.desk.AttachmentOf(context.Background(), a, b.message(m), 0); err != nil || got.URL == "" {
				t.Errorf("a voice of %d asks for the picture of %s: %v", account, m, err)
			}
		}
		for _, m := range tc.hidden {
			_, err := b.desk.AttachmentOf(context.Background(), a, b.message(m), 0)
			wantProblem(t, err, "conversation.not_found")
		}
	}
}

// message is the number of what has that remote id.
func (b *bundle) message(remote string) (m id.ID) {
	b.Helper()
	if err := b.db.Read().Row(context.Background(), `select id from message where workspace = $1 and remote_id = $2`, workspace, remote).Scan(&m); err != nil {
		b.Fatal(err)
	}
	return m
}
