package conversation

import (
	"context"
	"hash/fnv"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// late is how long after it was said a message has to come to be numbered among
// what was said then.
const late = 5 * time.Minute

// number gives each new message its id. Searches go by the ids, newest first: what
// comes late, or is read of the past, gets one of the moment it was said. An import
// reads backwards, so that otherwise the oldest words would be found first.
func (k *intake) number(ctx context.Context) error {
	var past []*incoming
	for _, m := range k.said {
		switch {
		case m.row != nil:
		case m.Post.Created.Before(k.now.Add(-late)):
			m.id = max(1, id.At(m.Post.Created, spread(m.Post.ID)))
			past = append(past, m)
		default:
			m.id = k.d.ids.New()
		}
	}
	given := make(map[id.ID]bool, len(past))
	for len(past) > 0 {
		ids := make([]id.ID, len(past))
		for i, m := range past {
			for given[m.id] {
				m.id++
			}
			given[m.id], ids[i] = true, m.id
		}
		var err error
		if past, err = k.taken(ctx, past, ids); err != nil {
			return err
		}
	}
	return nil
}

// taken are those of the messages whose id another one has, in any workspace.
func (k *intake) taken(ctx context.Context, past []*incoming, all []id.ID) (again []*incoming, err error) {
	in, args := db.In(1, all)
	there, err := ids(ctx, k.tx, `select id from message where id `+in, args...)
	if err != nil {
		return nil, err
	}
	for _, t := range there {
		for _, m := range past {
			if m.id == t {
				again = append(again, m)
			}
		}
	}
	return again, nil
}

// spread tells apart what was said in the same millisecond.
func spread(remote string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(remote))
	return h.Sum32()
}
