package notify

import (
	"context"
	"time"

	"parley/internal/actor"
)

type choicesJSON struct {
	Mail      []Kind `json:"mail" doc:"The kinds that are mailed."`
	QuietFrom string `json:"quiet_from,omitempty" example:"20:00" doc:"Beginning of the quiet hours, in the member's zone; absent: there are none."`
	QuietTo   string `json:"quiet_to,omitempty" example:"07:30"`
	QuietDays []int  `json:"quiet_days" doc:"Days without mail; 0 is Sunday."`
	Urgent    bool   `json:"urgent" doc:"Whether what is urgent is mailed even then."`
	Zone      string `json:"zone,omitempty" example:"Europe/Lisbon" doc:"Absent: the workspace's."`
	Digest    Digest `json:"digest,omitempty" enum:",daily,weekly"`
}

func (o operations) choices(ctx context.Context, a actor.Actor, _ *struct{}) (*choicesJSON, error) {
	c, err := o.s.Choices(ctx, a)
	if err != nil {
		return nil, err
	}
	out := choicesJSON{Mail: append([]Kind{}, c.Mail...), QuietFrom: c.clock(c.QuietFrom), QuietTo: c.clock(c.QuietTo), QuietDays: []int{}, Urgent: c.Urgent, Zone: c.Zone, Digest: c.Digest}
	for _, d := range c.QuietDays {
		out.QuietDays = append(out.QuietDays, int(d))
	}
	return &out, nil
}

type chooseIn struct{ Body choicesJSON }

func (o operations) choose(ctx context.Context, a actor.Actor, in *chooseIn) (*choicesJSON, error) {
	b := in.Body
	c := Choices{Mail: b.Mail, Urgent: b.Urgent, Zone: b.Zone, Digest: b.Digest}
	for _, d := range b.QuietDays {
		c.QuietDays = append(c.QuietDays, time.Weekday(d))
	}
	var err error
	if c.QuietFrom, err = minute(b.QuietFrom); err == nil {
		c.QuietTo, err = minute(b.QuietTo)
	}
	if err == nil {
		err = o.s.Choose(ctx, a, c)
	}
	if err != nil {
		return nil, err
	}
	return o.choices(ctx, a, nil)
}
