package inspect

import (
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// SettingsFrame is a SETTINGS frame that sets something, and its ACK. RFC 9113 §6.5.
type SettingsFrame struct {
	Dir     record.Dir // who asks; what is set binds the other side
	Frame   int
	Ack     int // index of the ACK; -1 if none has come
	At      time.Duration
	AckAt   time.Duration
	Changes []SettingChange // in order, the first 64
}

// Latency returns how long the ACK took; not ok without one.
func (s SettingsFrame) Latency() (time.Duration, bool) { return s.AckAt - s.At, s.Ack >= 0 }

// SettingChange is one parameter of a SETTINGS frame.
type SettingChange struct {
	ID       h2.SettingID
	From, To uint32
	Limited  bool // From says something; without it there was no limit, or no meaning
}

// defaults are what holds before SETTINGS. RFC 9113 §6.5.2; RFC 8441 §3; RFC 9218 §2.1.
var defaults = []h2.Setting{
	{ID: h2.HeaderTableSize, Value: h2.DefaultTableSize},
	{ID: h2.EnablePush, Value: 1},
	{ID: h2.InitialWindowSize, Value: h2.DefaultWindow},
	{ID: h2.MaxFrameSize, Value: h2.DefaultMaxFrameSize},
	{ID: h2.EnableConnect, Value: 0},
	{ID: h2.NoRFC7540Priorities, Value: 0},
}

type settingsList struct {
	frames  []SettingsFrame
	waiting [2][]int // places in frames, or -1 for one that is not listed; by who asked
	values  [2]map[h2.SettingID]uint32
}

func (s *settingsList) init() {
	for dir := range s.values {
		s.values[dir] = map[h2.SettingID]uint32{}
		for _, d := range defaults {
			s.values[dir][d.ID] = d.Value
		}
	}
}

// setting takes in a SETTINGS frame. An ACK belongs to the oldest SETTINGS of the
// other side that waits: they are acknowledged in order. RFC 9113 §6.5.3.
func (l *Ledger) setting(f *Frame, index int) {
	s := &l.settings
	if f.Flags.Has(h2.Ack) {
		w := &s.waiting[f.Dir.Other()]
		if len(*w) == 0 {
			return
		}
		if place := (*w)[0]; place >= 0 {
			s.frames[place].Ack, s.frames[place].AckAt = index, f.At
		}
		*w = (*w)[1:]
		return
	}
	frame := SettingsFrame{Dir: f.Dir, Frame: index, Ack: -1, At: f.At}
	// No more of a frame than a hostile peer's default one has is looked at.
	payload := l.payload(f, nil, h2.DefaultMaxFrameSize)
	for _, v := range h2.ReadSettings(payload) {
		l.set(&frame, v, index, f.At)
	}
	place := -1
	if len(s.frames) < maxSettingsList {
		place = len(s.frames)
		s.frames = append(s.frames, frame)
	} else {
		l.dropped.Settings++
	}
	if len(s.waiting[f.Dir]) < maxSettingsList {
		s.waiting[f.Dir] = append(s.waiting[f.Dir], place)
	}
}

// set applies one parameter.
func (l *Ledger) set(frame *SettingsFrame, v h2.Setting, index int, at time.Duration) {
	values := l.settings.values[frame.Dir]
	from, limited := values[v.ID]
	if len(frame.Changes) < maxSettingValues {
		frame.Changes = append(frame.Changes, SettingChange{ID: v.ID, From: from, To: v.Value, Limited: limited})
	} else {
		l.dropped.Settings++
	}
	if limited || len(values) < maxSettingValues {
		values[v.ID] = v.Value
	}
	if v.ID == h2.InitialWindowSize {
		l.changeInitial(frame.Dir.Other(), int64(v.Value), at, index)
	}
}

// Settings returns the SETTINGS frames that set something, in order, at most 1024.
func (l *Ledger) Settings() []SettingsFrame {
	return append([]SettingsFrame(nil), l.settings.frames...)
}

// Setting returns what one side has asked for at last, or what holds without; not
// ok if there is no such limit.
func (l *Ledger) Setting(dir record.Dir, id h2.SettingID) (uint32, bool) {
	v, ok := l.settings.values[dir][id]
	return v, ok
}
