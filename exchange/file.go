package exchange

import (
	"encoding/json"
	"fmt"

	"github.com/wiregloss/wiregloss/record"
)

// The names of the sections of a saved exchange.
const (
	sectionExchange = "exchange"
	sectionSchema   = "schema"
)

// saved is the exchange section: what the recordings do not say.
type saved struct {
	Operation string  `json:"operation"`
	Target    string  `json:"target"`
	Address   string  `json:"address"`
	Outcome   Outcome `json:"outcome"`
}

// ToFile lays an exchange out as a recording file. schema is a serialized
// google.protobuf.FileDescriptorSet with the types of the call, or nil.
func ToFile(x Exchange, schema []byte) (*record.File, error) {
	facts, err := json.Marshal(saved{
		Operation: x.Request.Operation, Target: x.Request.Target.Text, Address: x.Request.Target.Address, Outcome: x.Outcome,
	})
	if err != nil {
		return nil, fmt.Errorf("lay out exchange: %w", err)
	}
	f := &record.File{Recordings: x.Wire, Sections: []record.Section{{Name: sectionExchange, Data: facts}}}
	if len(schema) > 0 {
		f.Sections = append(f.Sections, record.Section{Name: sectionSchema, Data: schema})
	}
	return f, nil
}

// FromFile reads what ToFile laid out. A file without an exchange section, as
// other programs may write, gives an Exchange with its recordings alone; schema
// is nil if there is none.
func FromFile(f *record.File) (x Exchange, schema []byte, err error) {
	x.Wire = f.Recordings
	schema, _ = f.Section(sectionSchema)
	facts, ok := f.Section(sectionExchange)
	if !ok {
		const unknown = 2 // google.rpc.Code UNKNOWN
		x.Outcome = Outcome{Code: unknown, Local: true, Message: "the recording does not say how the call ended"}
		return x, schema, nil
	}
	var s saved
	if err := json.Unmarshal(facts, &s); err != nil {
		return x, schema, fmt.Errorf("the %q section of the recording is damaged: %w", sectionExchange, err)
	}
	x.Request.Operation = s.Operation
	x.Request.Target = Target{Text: s.Target, Address: s.Address}
	x.Outcome = s.Outcome
	return x, schema, nil
}
