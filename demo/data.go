package demo

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// data is everything the server knows; gRPC and REST are two ways to it.
type data struct {
	now    func() time.Time
	hub    *hub
	users  *table[*demov1.User]
	orders *table[*demov1.Order]
	files  *shelf
}

// newData returns the data every demo starts with: always the same.
func newData(now func() time.Time) (*data, error) {
	d := &data{now: now, hub: newHub(), files: newShelf(now)}
	d.users = newTable(userRules(now), d.hub, 1)
	d.orders = newTable(orderRules(now, func(id string) bool {
		_, err := d.users.get(id)
		return err == nil
	}), d.hub, 1001)
	for i, p := range people {
		if _, err := d.users.create(sampleUser(i, p)); err != nil {
			return nil, fmt.Errorf("the demo's user %d: %w", i+1, err)
		}
	}
	for i := range 12 {
		o, err := sampleOrder(i)
		if err == nil {
			_, err = d.orders.create(o)
		}
		if err != nil {
			return nil, fmt.Errorf("the demo's order %d: %w", 1001+i, err)
		}
	}
	return d, nil
}

// seedTime is when the first user joined.
var seedTime = time.Date(2025, time.March, 1, 9, 30, 0, 0, time.UTC)

// person is what the sample users differ in.
type person struct {
	name, city string
	age        int32
	kind       demov1.Address_Kind
	tags       []string
	email      string
}

// people are users "1" to "20".
var people = [20]person{
	{"Ada Lovelace", "London", 36, demov1.Address_HOME, []string{"maths"}, "ada@example.com"},
	{"Alan Turing", "Manchester", 41, demov1.Address_WORK, []string{"logic", "running"}, "alan@example.com"},
	{"Grace Hopper", "Arlington", 85, demov1.Address_HOME, []string{"compilers", "navy"}, "grace@example.com"},
	{"Emmy Noether", "Göttingen", 53, demov1.Address_WORK, []string{"algebra"}, "emmy@example.com"},
	{"Niels Henrik Abel", "Oslo", 26, demov1.Address_POSTAL, nil, ""},
	{"Sofja Kowalewskaja", "Stockholm", 41, demov1.Address_WORK, []string{"analysis", "novels"}, "sofja@example.com"},
	{"Srinivasa Ramanujan", "Kumbakonam", 32, demov1.Address_HOME, []string{"series"}, ""},
	{"Hedy Lamarr", "Los Angeles", 85, demov1.Address_HOME, []string{"radio", "film"}, "hedy@example.com"},
	{"Karen Spärck Jones", "Cambridge", 71, demov1.Address_WORK, []string{"search", "words"}, "karen@example.com"},
	{"Katherine Johnson", "Hampton", 101, demov1.Address_WORK, []string{"orbits"}, "katherine@example.com"},
	{"Edsger Dijkstra", "Nuenen", 72, demov1.Address_HOME, []string{"paths"}, "edsger@example.com"},
	{"Barbara McClintock", "Ithaca", 90, demov1.Address_WORK, []string{"maize"}, ""},
	{"John von Neumann", "Princeton", 53, demov1.Address_WORK, []string{"games", "machines"}, "john@example.com"},
	{"Maryam Mirzakhani", "Stanford", 40, demov1.Address_WORK, []string{"surfaces"}, "maryam@example.com"},
	{"Kurt Gödel", "Princeton", 71, demov1.Address_HOME, []string{"logic"}, ""},
	{"Chien-Shiung Wu", "New York", 84, demov1.Address_WORK, []string{"parity"}, "chien-shiung@example.com"},
	{"Konrad Zuse", "Hünfeld", 85, demov1.Address_HOME, []string{"machines", "painting"}, "konrad@example.com"},
	{"Rosalind Franklin", "London", 37, demov1.Address_WORK, []string{"crystals"}, ""},
	{"Évariste Galois", "Paris", 20, demov1.Address_POSTAL, []string{"groups"}, ""},
	{"Hypatia", "Alexandria", 60, demov1.Address_KIND_UNSPECIFIED, nil, ""},
}

// sampleUser is user 1+i.
func sampleUser(i int, p person) *demov1.User {
	return &demov1.User{
		Name:    p.name,
		Age:     p.age,
		Address: &demov1.Address{City: p.city, Kind: p.kind},
		Tags:    p.tags,
		Email:   p.email,
		Joined:  timestamppb.New(seedTime.AddDate(0, 0, i)),
	}
}

// sampleOrder is order 1001+i. The first has every field; the others vary.
func sampleOrder(i int) (*demov1.Order, error) {
	o := &demov1.Order{
		UserId: strconv.Itoa(1 + i%5),
		Status: demov1.OrderStatus(1 + i%5),
		Lines: []*demov1.OrderLine{
			{Sku: fmt.Sprintf("PEN-%02d", i), Title: "Fountain pen", Quantity: 2, UnitPrice: &demov1.Money{Currency: "EUR", Units: 24, Nanos: 950_000_000}},
			{Sku: "INK-BLUE", Title: "Ink, blue", Quantity: int32(1 + i), UnitPrice: &demov1.Money{Currency: "EUR", Units: 7, Nanos: 500_000_000}},
		},
		CreatedAt:      timestamppb.New(seedTime.Add(time.Duration(i) * 1500 * time.Millisecond)),
		DeliveryWindow: durationpb.New(48*time.Hour + time.Duration(i)*time.Minute),
		Labels:         map[string]string{"channel": "web", "batch": strconv.Itoa(i)},
		Stations:       []int32{1, 150, int32(300 + i)},
		WeightKg:       0.25 * float64(i+1),
		Tracking:       0x57_4c_00_00_00_00_00_00 + uint64(i),
	}
	switch i % 3 {
	case 0:
		o.Payment = &demov1.Order_Card{Card: &demov1.Card{Network: demov1.Card_VISA, LastFour: "4242"}}
	case 1:
		o.Payment = &demov1.Order_InvoiceEmail{InvoiceEmail: "accounts@example.com"}
	case 2:
		o.Payment = &demov1.Order_Voucher{Voucher: 1 << 40}
	}
	if i == 0 {
		return o, fillOrder(o)
	}
	return o, nil
}

// fillOrder sets what only the first order has.
func fillOrder(o *demov1.Order) error {
	o.Parcels = map[int32]*demov1.Parcel{
		1: {Carrier: "Bicycle", SizeMm: []uint32{120, 80, 300}, ShippedAt: timestamppb.New(seedTime.Add(time.Hour))},
		2: {Carrier: "Pigeon", SizeMm: []uint32{20, 20, 60}},
	}
	o.Note = proto.String("Please ring twice.")
	o.Priority = proto.Int32(0)
	o.Shelves = []int32{7, 11}
	o.Temperatures = []int32{-4, 0, 21}
	o.Signature = []byte{0x00, 0xff, 0x10, 0x80}
	o.GiftMessage = wrapperspb.String("Happy birthday")
	o.LoyaltyPoints = wrapperspb.Int64(120)
	o.Insured = wrapperspb.Bool(false)
	o.Rating = 4.5
	o.LabelChecksum = 0xcafef00d
	o.Gift = true
	o.StockDelta = -3
	var err error
	if o.Extra, err = anypb.New(&demov1.GiftWrap{Paper: "stars", Ribbon: true}); err != nil {
		return err
	}
	o.Attributes, err = structpb.NewStruct(map[string]any{"fragile": true, "colours": []any{"blue", "gold"}, "depth": 3.5})
	return err
}
