//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// item is an element of what tshark -T json -x says about a packet: a field, a
// layer or a text. Names repeat, and their order means something, so an object
// becomes a list.
type item struct {
	name  string
	text  string // the value as tshark writes it
	under []*item

	// Where it lies in its buffer, which is the packet or what was put together
	// from several; -1 if tshark does not say.
	pos, length int
	hex         string // the bytes there; a part of a byte is written as a number
}

// get returns the first element under it with a name, or nil.
func (it *item) get(name string) *item {
	if it == nil {
		return nil
	}
	for _, u := range it.under {
		if u.name == name {
			return u
		}
	}
	return nil
}

// all returns the elements under it whose names begin with prefix.
func (it *item) all(prefix string) []*item {
	var found []*item
	if it == nil {
		return nil
	}
	for _, u := range it.under {
		if strings.HasPrefix(u.name, prefix) {
			found = append(found, u)
		}
	}
	return found
}

// number reads the value of the first element with a name. What tshark does not
// say is no number.
func (it *item) number(t *testing.T, name string) uint64 {
	t.Helper()
	u := it.get(name)
	if u == nil {
		t.Fatalf("tshark says no %s of %q", name, it.name)
	}
	n, err := strconv.ParseUint(u.text, 0, 64)
	if err != nil {
		t.Fatalf("tshark says that %s is %q", name, u.text)
	}
	return n
}

// bytes returns the bytes at which it lies.
func (it *item) bytes(t *testing.T) []byte {
	t.Helper()
	if it == nil {
		return nil
	}
	b, err := hex.DecodeString(it.hex)
	if err != nil {
		t.Fatalf("tshark writes the bytes of %s as %q", it.name, it.hex)
	}
	return b
}

// layers are those that the comparison looks at.
const layers = "frame ip tcp http2 grpc protobuf http _ws.malformed"

// dissect lets tshark decode a packet capture, and returns the layers of each
// packet. It goes through the packets twice, so that the first of a message knows
// of the last.
func dissect(t *testing.T, file string, options ...string) [][]*item {
	t.Helper()
	args := append([]string{"-2", "-r", file, "-T", "json", "-x", "-J", layers}, options...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, need(t, "tshark", "install the Debian package tshark"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	packets, err := readPackets(stdout)
	_, _ = io.Copy(io.Discard, stdout) // what follows an error
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("tshark %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	if strings.Contains(stderr.String(), "proto file") {
		t.Fatalf("tshark does not understand its schema: %s", stderr.String())
	}
	return packets
}

// readPackets reads the array of packets, one at a time.
func readPackets(r io.Reader) ([][]*item, error) {
	dec := json.NewDecoder(r)
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("the array of packets: %w", err)
	}
	var packets [][]*item
	for dec.More() {
		packet, err := readItems(dec)
		if err != nil {
			return nil, fmt.Errorf("packet %d: %w", len(packets)+1, err)
		}
		for _, name := range []string{"_source", "layers"} {
			packet = (&item{under: packet}).get(name).under
		}
		packets = append(packets, packet)
	}
	return packets, nil
}

// readItems reads an object to its end. An element x comes as "x_raw", "x" and
// "x_tree", of which there may be one, two or all.
func readItems(dec *json.Decoder) ([]*item, error) {
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, fmt.Errorf("%v in place of an object: %w", tok, err)
	}
	return readMembers(dec)
}

func readMembers(dec *json.Decoder) ([]*item, error) {
	var list []*item
	var raw *item // of the next element
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		it, isRaw, err := readItem(dec, key.(string))
		switch {
		case err != nil:
			return nil, err
		case isRaw:
			raw = it
			continue
		case len(list) > 0 && it.name == list[len(list)-1].name+"_tree":
			list[len(list)-1].under = append(list[len(list)-1].under, it.under...)
		default:
			if raw != nil && raw.name == it.name {
				it.pos, it.length, it.hex = raw.pos, raw.length, raw.hex
			}
			list = append(list, it)
		}
		raw = nil
	}
	_, err := dec.Token()
	return list, err
}

// readItem reads the value of a key: a text, an object, or the array of x_raw.
func readItem(dec *json.Decoder, key string) (it *item, raw bool, err error) {
	it = &item{name: key, pos: -1}
	tok, err := dec.Token()
	if err != nil {
		return nil, false, err
	}
	switch v := tok.(type) {
	case string:
		it.text = v
		return it, false, nil
	case nil: // _score, which searches fill in
		return it, false, nil
	case json.Delim:
		if v == '{' {
			it.under, err = readMembers(dec)
			return it, false, err
		}
	}
	if tok != json.Delim('[') {
		return nil, false, fmt.Errorf("%s is %v", key, tok)
	}
	it.name = strings.TrimSuffix(key, "_raw")
	return it, true, it.readPlace(dec)
}

// readPlace reads the rest of [hex, position, length, bit mask, type].
func (it *item) readPlace(dec *json.Decoder) error {
	var numbers []int
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch v := tok.(type) {
		case string:
			it.hex = v
		case json.Number:
			n, err := strconv.ParseUint(v.String(), 10, 64) // a bit mask may have 64 bits
			if err != nil {
				return fmt.Errorf("the place of %s: %w", it.name, err)
			}
			numbers = append(numbers, int(n))
		default:
			return fmt.Errorf("the place of %s holds %v", it.name, tok)
		}
	}
	if len(numbers) != 4 {
		return fmt.Errorf("the place of %s has %d numbers", it.name, len(numbers))
	}
	it.pos, it.length = numbers[0], numbers[1]
	_, err := dec.Token()
	return err
}
