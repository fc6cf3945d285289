package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// orders is demo.v1.OrderService.
type orders struct {
	demov1.UnimplementedOrderServiceServer
	data *data
}

// GetOrder implements demov1.OrderServiceServer.
func (o *orders) GetOrder(_ context.Context, req *demov1.GetOrderRequest) (*demov1.Order, error) {
	return o.data.orders.get(req.GetOrderId())
}

// ListOrders implements demov1.OrderServiceServer.
func (o *orders) ListOrders(_ context.Context, req *demov1.ListOrdersRequest) (*demov1.ListOrdersResponse, error) {
	p, err := o.data.orders.list(req.GetPageSize(), req.GetPageToken(), ordersOf(req.GetUserId()))
	if err != nil {
		return nil, err
	}
	return &demov1.ListOrdersResponse{Orders: p.items, NextPageToken: p.next, TotalSize: int32(p.total)}, nil
}

// ordersOf matches the orders of one user, or all if userID is empty.
func ordersOf(userID string) func(*demov1.Order) bool {
	return func(o *demov1.Order) bool { return userID == "" || o.GetUserId() == userID }
}

// CreateOrder implements demov1.OrderServiceServer.
func (o *orders) CreateOrder(_ context.Context, req *demov1.CreateOrderRequest) (*demov1.Order, error) {
	if req.GetOrder() == nil {
		return nil, errField("CreateOrderRequest", "order", "is required")
	}
	return o.data.orders.create(req.GetOrder())
}

// ReplaceOrder implements demov1.OrderServiceServer.
func (o *orders) ReplaceOrder(_ context.Context, req *demov1.ReplaceOrderRequest) (*demov1.Order, error) {
	if req.GetOrder() == nil {
		return nil, errField("ReplaceOrderRequest", "order", "is required")
	}
	return o.data.orders.edit(req.GetOrder().GetId(), func(*demov1.Order) (*demov1.Order, error) { return req.GetOrder(), nil })
}

// UpdateOrder implements demov1.OrderServiceServer.
func (o *orders) UpdateOrder(_ context.Context, req *demov1.UpdateOrderRequest) (*demov1.Order, error) {
	if req.GetOrder() == nil {
		return nil, errField("UpdateOrderRequest", "order", "is required")
	}
	return o.data.orders.edit(req.GetOrder().GetId(), func(prev *demov1.Order) (*demov1.Order, error) {
		return masked("UpdateOrderRequest", prev, req.GetOrder(), req.GetUpdateMask())
	})
}

// DeleteOrder implements demov1.OrderServiceServer.
func (o *orders) DeleteOrder(_ context.Context, req *demov1.DeleteOrderRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, o.data.orders.remove(req.GetOrderId(), func(*demov1.Order) error { return nil })
}

// WatchOrders implements demov1.OrderServiceServer.
func (o *orders) WatchOrders(req *demov1.WatchOrdersRequest, stream demov1.OrderService_WatchOrdersServer) error {
	now, changes, stop := o.data.orders.watch()
	defer stop()
	wanted := ordersOf(req.GetUserId())
	for _, order := range now {
		if !wanted(order) {
			continue
		}
		if err := stream.Send(&demov1.OrderEvent{Type: demov1.OrderEvent_EXISTING, Order: order}); err != nil {
			return err
		}
	}
	for req.GetFollow() {
		select {
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case c, open := <-changes:
			if !open {
				return status.Error(codes.Aborted, "the client is too far behind: watch again")
			}
			order, ok := c.msg.(*demov1.Order)
			if !ok || !wanted(order) {
				continue
			}
			if err := stream.Send(&demov1.OrderEvent{Type: orderEvents[c.what], Order: order}); err != nil {
				return err
			}
		}
	}
	return nil
}

var orderEvents = [...]demov1.OrderEvent_Type{
	created: demov1.OrderEvent_CREATED,
	updated: demov1.OrderEvent_UPDATED,
	deleted: demov1.OrderEvent_DELETED,
}

// orderRules are the rules of the table of orders.
func orderRules(now func() time.Time, userExists func(id string) bool) rules[*demov1.Order] {
	return rules[*demov1.Order]{
		kind:  "Order",
		setID: func(o *demov1.Order, id string) { o.Id = id },
		accept: func(next, prev *demov1.Order) error {
			if final(prev.GetStatus()) {
				return errState("Order", prev.GetId(), "is "+prev.GetStatus().String()+" and no longer changes")
			}
			ownOrder(next, prev, now)
			// A user may be gone by the time their order is packed.
			known := prev.GetUserId() == next.GetUserId() && prev != nil || userExists(next.GetUserId())
			return checkOrder(next, known)
		},
		release: func(o *demov1.Order) error {
			if o.GetStatus() == demov1.OrderStatus_SHIPPED {
				return errState("Order", o.GetId(), "is on its way and cannot be deleted")
			}
			return nil
		},
	}
}

func final(s demov1.OrderStatus) bool {
	return s == demov1.OrderStatus_DELIVERED || s == demov1.OrderStatus_CANCELLED
}

// ownOrder fills in the fields that are the server's.
func ownOrder(next, prev *demov1.Order, now func() time.Time) {
	if next.GetStatus() == demov1.OrderStatus_ORDER_STATUS_UNSPECIFIED {
		next.Status = demov1.OrderStatus_PLACED
	}
	next.Total = sum(next.GetLines())
	if prev == nil {
		if next.GetCreatedAt() == nil {
			next.CreatedAt = timestamppb.New(now().Truncate(time.Millisecond))
		}
		next.History = nil
		return
	}
	next.CreatedAt = prev.GetCreatedAt()
	next.History = slices.Clone(prev.GetHistory())
	if next.GetStatus() != prev.GetStatus() {
		next.History = append(next.History, prev.GetStatus())
		next.History = next.History[max(0, len(next.History)-16):]
	}
}

// sum adds up the lines in the currency of the first. checkOrder rejects the
// order if there is another one, or if a line is out of bounds.
func sum(lines []*demov1.OrderLine) *demov1.Money {
	const billion = 1_000_000_000
	if len(lines) == 0 {
		return nil
	}
	total := &demov1.Money{Currency: lines[0].GetUnitPrice().GetCurrency()}
	var nanos int64
	for _, line := range lines {
		total.Units += int64(line.GetQuantity()) * line.GetUnitPrice().GetUnits()
		nanos += int64(line.GetQuantity()) * int64(line.GetUnitPrice().GetNanos())
	}
	total.Units += nanos / billion
	total.Nanos = int32(nanos % billion)
	return total
}

// checkOrder holds an order against the rules told in orders.proto.
func checkOrder(o *demov1.Order, userKnown bool) error {
	var v violations
	v.check(userKnown, "user_id", "must be the id of a user")
	_, known := demov1.OrderStatus_name[int32(o.GetStatus())]
	v.check(known, "status", "must be one of OrderStatus")
	v.check(len(o.GetLines()) >= 1 && len(o.GetLines()) <= 100, "lines", "must be 1 to 100")
	v.checkLines(o.GetLines())
	v.check(len(o.GetLabels()) <= 32, "labels", "must be at most 32")
	v.check(len(o.GetParcels()) <= 32, "parcels", "must be at most 32")
	v.check(len(o.GetSignature()) <= 64<<10, "signature", "must be at most 64 KiB")
	v.check(o.GetRating() >= 0 && o.GetRating() <= 5, "rating", "must be 0 to 5")
	v.check(o.GetWeightKg() >= 0 && o.GetWeightKg() <= 1e6, "weight_kg", "must be 0 to 1000000")
	v.check(o.GetDeliveryWindow() == nil || o.GetDeliveryWindow().IsValid(), "delivery_window", "must be a duration of at most 10000 years")
	v.check(o.GetCreatedAt().IsValid(), "created_at", "must be in the years 1 to 9999")
	_, err := protojson.Marshal(o.GetExtra())
	v.check(err == nil, "extra", "must be of a message type this server knows, and have a JSON form")
	_, err = protojson.Marshal(o.GetAttributes())
	v.check(err == nil, "attributes", "must have a JSON form")
	for number, parcel := range o.GetParcels() {
		v.check(parcel.GetShippedAt() == nil || parcel.GetShippedAt().IsValid(), fmt.Sprintf("parcels[%d].shipped_at", number),
			"must be in the years 1 to 9999")
	}
	_, known = demov1.Card_Network_name[int32(o.GetCard().GetNetwork())]
	v.check(known, "card.network", "must be one of Card.Network")
	if _, ok := o.GetPayment().(*demov1.Order_InvoiceEmail); ok {
		v.check(strings.Count(o.GetInvoiceEmail(), "@") == 1, "invoice_email", `must have one "@"`)
	}
	return v.err("Order")
}
