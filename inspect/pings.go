package inspect

import (
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Ping is a PING and its ACK. RFC 9113 §6.7.
type Ping struct {
	Dir   record.Dir // who asked
	Frame int        // index of the PING
	Ack   int        // index of its ACK; -1 if none has come
	At    time.Duration
	AckAt time.Duration
	Data  [8]byte
	Kind  h2.PingKind
}

// RTT returns the round-trip time as the recording saw it; not ok without an ACK.
func (p Ping) RTT() (time.Duration, bool) { return p.AckAt - p.At, p.Ack >= 0 }

// PingStats sums up the answered PINGs of one side.
type PingStats struct {
	Sent, Answered     int
	Kinds              [3]int // sent, by h2.PingKind
	Least, Most, Total time.Duration
}

// Mean returns the mean round-trip time; 0 if none was answered.
func (s PingStats) Mean() time.Duration {
	if s.Answered == 0 {
		return 0
	}
	return s.Total / time.Duration(s.Answered)
}

type pingList struct {
	pings   []Ping
	gone    int      // dropped from the front of pings
	waiting [2][]int // places counted from the first ever, by who asked
	stats   [2]PingStats
}

// ping takes in a PING or an ACK. An ACK belongs to the oldest PING of the other
// side that has its data and waits.
func (l *Ledger) ping(f *Frame, index int, payload []byte) {
	data, kind, ok := h2.ReadPing(payload)
	if !ok {
		return
	}
	if f.Flags.Has(h2.Ack) {
		l.pings.answer(f, index, data)
		return
	}
	p := &l.pings
	s := &p.stats[f.Dir]
	s.Sent++
	s.Kinds[kind]++
	if len(p.pings) >= 2*maxPingList {
		n := copy(p.pings, p.pings[len(p.pings)-maxPingList:])
		p.gone += len(p.pings) - n
		l.dropped.Pings += len(p.pings) - n
		p.pings = p.pings[:n]
	}
	w := &p.waiting[f.Dir]
	if len(*w) >= maxPings {
		*w = append((*w)[:0], (*w)[1:]...)
	}
	*w = append(*w, p.gone+len(p.pings))
	p.pings = append(p.pings, Ping{Dir: f.Dir, Frame: index, Ack: -1, At: f.At, Data: data, Kind: kind})
}

func (p *pingList) answer(f *Frame, index int, data [8]byte) {
	asker := f.Dir.Other()
	w := p.waiting[asker]
	for i, place := range w {
		if place < p.gone || p.pings[place-p.gone].Data != data {
			continue
		}
		ping := &p.pings[place-p.gone]
		ping.Ack, ping.AckAt = index, f.At
		p.waiting[asker] = append(w[:i], w[i+1:]...)
		rtt, _ := ping.RTT()
		s := &p.stats[asker]
		if s.Answered == 0 || rtt < s.Least {
			s.Least = rtt
		}
		s.Most = max(s.Most, rtt)
		s.Total += rtt
		s.Answered++
		return
	}
}

// Pings returns the newest PINGs, 4096 at least where there are so many, in the
// order in which they were sent.
func (l *Ledger) Pings() []Ping { return append([]Ping(nil), l.pings.pings...) }

// PingStats sums up the PINGs of one side.
func (l *Ledger) PingStats(dir record.Dir) PingStats { return l.pings.stats[dir] }
