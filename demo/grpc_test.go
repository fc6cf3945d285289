package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

func TestGetUser(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		client := demov1.NewUserServiceClient(conn)
		ada, err := client.GetUser(t.Context(), &demov1.GetUserRequest{UserId: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if ada.GetName() != "Ada Lovelace" || ada.GetAge() != 36 || ada.GetAddress().GetCity() != "London" ||
			ada.GetAddress().GetKind() != demov1.Address_HOME {
			t.Errorf("user 1 is %v", ada)
		}
		if n := proto.Size(ada); n < 30 || n > 80 {
			t.Errorf("user 1 takes %d bytes: too many or too few to show on a screen", n)
		}

		_, err = client.GetUser(t.Context(), &demov1.GetUserRequest{UserId: "999"})
		st := wantCode(t, err, codes.NotFound)
		if got := detail[*errdetails.ResourceInfo](t, st); got.GetResourceName() != "999" || got.GetResourceType() != "demo.v1.User" {
			t.Errorf("ResourceInfo %v", got)
		}
	})
}

func TestListUsersPages(t *testing.T) {
	t.Parallel()
	client := demov1.NewUserServiceClient(dial(t, start(t).Addr()))
	var ids []string
	req := &demov1.ListUsersRequest{PageSize: 8}
	for {
		reply, err := client.ListUsers(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if reply.GetTotalSize() != 20-int32(min(len(ids), 1)) { // one is deleted below
			t.Errorf("total_size %d after %d users", reply.GetTotalSize(), len(ids))
		}
		for _, u := range reply.GetUsers() {
			ids = append(ids, u.GetId())
		}
		if reply.GetNextPageToken() == "" {
			break
		}
		if len(ids) == 8 {
			// A token stays good when the row it was made from is gone.
			if _, err := client.DeleteUser(t.Context(), &demov1.DeleteUserRequest{UserId: "8"}); err != nil {
				t.Fatal(err)
			}
		}
		req.PageToken = reply.GetNextPageToken()
	}
	for i, id := range ids {
		if id != fmt.Sprint(i+1) || len(ids) != 20 {
			t.Fatalf("listed %v", ids)
		}
	}
	_, err := client.ListUsers(t.Context(), &demov1.ListUsersRequest{PageToken: "no such page"})
	wantCode(t, err, codes.InvalidArgument)
	_, err = client.ListUsers(t.Context(), &demov1.ListUsersRequest{PageSize: -1})
	wantCode(t, err, codes.InvalidArgument)
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	client := demov1.NewUserServiceClient(dial(t, start(t).Addr()))
	got, err := client.CreateUser(t.Context(), &demov1.CreateUserRequest{User: &demov1.User{Name: "Eva"}})
	if err != nil || got.GetId() != "21" || got.GetJoined() == nil {
		t.Errorf("created %v, %v; want id 21 and a time", got, err)
	}
	_, err = client.CreateUser(t.Context(), &demov1.CreateUserRequest{User: &demov1.User{Id: "1", Name: "Eva"}})
	wantCode(t, err, codes.AlreadyExists)
	_, err = client.CreateUser(t.Context(), &demov1.CreateUserRequest{})
	wantCode(t, err, codes.InvalidArgument)

	_, err = client.CreateUser(t.Context(), &demov1.CreateUserRequest{
		User: &demov1.User{Age: -1, Email: "nobody", Address: &demov1.Address{Country: "gb", Kind: 99}},
	})
	var paths []string
	for _, v := range detail[*errdetails.BadRequest](t, wantCode(t, err, codes.InvalidArgument)).GetFieldViolations() {
		paths = append(paths, v.GetField())
	}
	if want := []string{"name", "age", "email", "address.country", "address.kind"}; !slices.Equal(paths, want) {
		t.Errorf("violations of %q, want %q", paths, want)
	}
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	client := demov1.NewUserServiceClient(dial(t, start(t).Addr()))
	for _, test := range []struct {
		name  string
		patch *demov1.User
		paths []string
		want  func(*demov1.User)
	}{
		{
			"nested path", &demov1.User{Id: "1", Name: "X", Address: &demov1.Address{City: "Ockham"}},
			[]string{"address.city"},
			func(u *demov1.User) { u.Address.City = "Ockham" },
		},
		{
			"unset clears", &demov1.User{Id: "1"},
			[]string{"address.kind", "tags"},
			func(u *demov1.User) { u.Address.Kind, u.Tags = 0, nil },
		},
		{
			"no mask takes what is set", &demov1.User{Id: "1", Age: 37, Address: &demov1.Address{Street: "1 St James's Sq"}}, nil,
			func(u *demov1.User) { u.Age, u.Address.Street = 37, "1 St James's Sq" },
		},
		{
			"set but empty", &demov1.User{Id: "1", Nickname: proto.String("")}, nil,
			func(u *demov1.User) { u.Nickname = proto.String("") },
		},
		{
			"star takes all", &demov1.User{Id: "1", Name: "A"},
			[]string{"*"},
			func(u *demov1.User) { proto.Reset(u); u.Id, u.Name = "1", "A" },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			want, err := client.GetUser(t.Context(), &demov1.GetUserRequest{UserId: "1"})
			if err != nil {
				t.Fatal(err)
			}
			joined := want.GetJoined()
			test.want(want)
			want.Joined = joined
			got, err := client.UpdateUser(t.Context(), &demov1.UpdateUserRequest{
				User: test.patch, UpdateMask: &fieldmaskpb.FieldMask{Paths: test.paths},
			})
			if err != nil || !proto.Equal(got, want) {
				t.Errorf("got  %v, %v\nwant %v", got, err, want)
			}
		})
	}
	for _, path := range []string{"nonsense", "address.nonsense", "tags.x", ""} {
		_, err := client.UpdateUser(t.Context(), &demov1.UpdateUserRequest{
			User: &demov1.User{Id: "1"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{path}},
		})
		wantCode(t, err, codes.InvalidArgument)
	}
	_, err := client.UpdateUser(t.Context(), &demov1.UpdateUserRequest{User: &demov1.User{Id: "none", Name: "X"}})
	wantCode(t, err, codes.NotFound)
}

func TestReplaceAndDeleteUser(t *testing.T) {
	t.Parallel()
	client := demov1.NewUserServiceClient(dial(t, start(t).Addr()))
	got, err := client.ReplaceUser(t.Context(), &demov1.ReplaceUserRequest{User: &demov1.User{Id: "2", Name: "Alan"}})
	if err != nil || got.GetAge() != 0 || got.GetName() != "Alan" {
		t.Errorf("replaced %v, %v", got, err)
	}
	if _, err := client.DeleteUser(t.Context(), &demov1.DeleteUserRequest{UserId: "2"}); err != nil {
		t.Error(err)
	}
	_, err = client.DeleteUser(t.Context(), &demov1.DeleteUserRequest{UserId: "2"})
	wantCode(t, err, codes.NotFound)
	_, err = client.ReplaceUser(t.Context(), &demov1.ReplaceUserRequest{User: &demov1.User{Id: "2", Name: "Alan"}})
	wantCode(t, err, codes.NotFound)
}

func TestFirstOrderHasEveryField(t *testing.T) {
	t.Parallel()
	client := demov1.NewOrderServiceClient(dial(t, start(t).Addr()))
	order, err := client.GetOrder(t.Context(), &demov1.GetOrderRequest{OrderId: "1001"})
	if err != nil {
		t.Fatal(err)
	}
	m := order.ProtoReflect()
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		inOneof := field.ContainingOneof() != nil && !field.ContainingOneof().IsSynthetic()
		if !m.Has(field) && !inOneof && field.Name() != "history" {
			t.Errorf("%s is not set", field.Name())
		}
	}
	if order.GetPayment() == nil {
		t.Error("no payment")
	}
	if total := order.GetTotal(); total.GetUnits() != 57 || total.GetNanos() != 400_000_000 {
		t.Errorf("2 x 24.95 + 7.50 = %v", total)
	}
}

func TestOrderStates(t *testing.T) {
	t.Parallel()
	client := demov1.NewOrderServiceClient(dial(t, start(t).Addr()))
	lines := []*demov1.OrderLine{{Sku: "A", Quantity: 1, UnitPrice: &demov1.Money{Currency: "EUR", Units: 1}}}
	order, err := client.CreateOrder(t.Context(), &demov1.CreateOrderRequest{Order: &demov1.Order{UserId: "1", Lines: lines}})
	if err != nil || order.GetStatus() != demov1.OrderStatus_PLACED || order.GetId() != "1013" {
		t.Fatalf("created %v, %v", order, err)
	}
	move := func(to demov1.OrderStatus) error {
		order, err = client.UpdateOrder(t.Context(), &demov1.UpdateOrderRequest{Order: &demov1.Order{Id: "1013", Status: to}})
		return err
	}
	if err := move(demov1.OrderStatus_SHIPPED); err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteOrder(t.Context(), &demov1.DeleteOrderRequest{OrderId: "1013"})
	detail[*errdetails.PreconditionFailure](t, wantCode(t, err, codes.FailedPrecondition))
	if err := move(demov1.OrderStatus_DELIVERED); err != nil {
		t.Fatal(err)
	}
	if want := []demov1.OrderStatus{demov1.OrderStatus_PLACED, demov1.OrderStatus_SHIPPED}; !slices.Equal(order.GetHistory(), want) {
		t.Errorf("history %v, want %v", order.GetHistory(), want)
	}
	wantCode(t, move(demov1.OrderStatus_PLACED), codes.FailedPrecondition)
	_, err = client.CreateOrder(t.Context(), &demov1.CreateOrderRequest{Order: &demov1.Order{UserId: "nobody", Lines: lines}})
	wantCode(t, err, codes.InvalidArgument)
}

func TestWatchOrdersFollows(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		client := demov1.NewOrderServiceClient(conn)
		stream, err := client.WatchOrders(ctx, &demov1.WatchOrdersRequest{UserId: "1", Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // 1001, 1006 and 1011
			if event, err := stream.Recv(); err != nil || event.GetType() != demov1.OrderEvent_EXISTING {
				t.Fatalf("got %v, %v", event, err)
			}
		}
		if _, err := client.DeleteOrder(ctx, &demov1.DeleteOrderRequest{OrderId: "1002"}); err != nil {
			t.Fatal(err) // another user's: not seen
		}
		if _, err := client.DeleteOrder(ctx, &demov1.DeleteOrderRequest{OrderId: "1001"}); err != nil {
			t.Fatal(err)
		}
		event, err := stream.Recv()
		if err != nil || event.GetType() != demov1.OrderEvent_DELETED || event.GetOrder().GetId() != "1001" {
			t.Errorf("got %v, %v", event, err)
		}
		cancel()
		_, err = stream.Recv()
		wantCode(t, err, codes.Canceled)
	})
}

func TestWatchOrdersEnds(t *testing.T) {
	t.Parallel()
	stream, err := demov1.NewOrderServiceClient(dial(t, start(t).Addr())).WatchOrders(t.Context(), &demov1.WatchOrdersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		_, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 12 {
		t.Errorf("%d orders, want 12", n)
	}
}

func TestMetadataComesBack(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		sent := metadata.Pairs("x-trace", "abc", "x-trace", "def", "x-raw-bin", "\x00\xff", "team", "blue", "authorization", "Bearer secret")
		ctx := metadata.NewOutgoingContext(t.Context(), sent)
		check := func(what string, got metadata.MD) {
			for _, name := range []string{"x-trace", "x-raw-bin", "team"} {
				if !slices.Equal(got.Get(name), sent.Get(name)) {
					t.Errorf("%s: %s is %q, want %q", what, name, got.Get(name), sent.Get(name))
				}
			}
			if len(got.Get("authorization")) > 0 {
				t.Errorf("%s repeats a credential", what)
			}
		}
		var header, trailer metadata.MD
		_, err := demov1.NewUserServiceClient(conn).GetUser(ctx, &demov1.GetUserRequest{UserId: "1"}, grpc.Header(&header), grpc.Trailer(&trailer))
		if err != nil {
			t.Fatal(err)
		}
		check("header of a unary call", header)
		check("trailer of a unary call", trailer)

		stream, err := demov1.NewLoadServiceClient(conn).FailMidway(ctx, &demov1.FailMidwayRequest{Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = stream.Recv()
		}
		wantCode(t, err, codes.Internal)
		if header, err = stream.Header(); err != nil {
			t.Fatal(err)
		}
		check("header of a stream", header)
		check("trailer of a failed stream", stream.Trailer())
	})
}

func TestGzip(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		asked := metadata.AppendToOutgoingContext(t.Context(), "demo-compress", "gzip")
		for _, test := range []struct {
			name string
			ctx  context.Context
			opts []grpc.CallOption
			want bool
		}{
			{"not asked", t.Context(), nil, false},
			{"asked by metadata", asked, nil, true},
			{"asked by a compressed request", t.Context(), []grpc.CallOption{grpc.UseCompressor(gzip.Name)}, true},
		} {
			wire := new(countInPayloads)
			ctx := context.WithValue(test.ctx, wireKey{}, wire)
			stream, err := demov1.NewLoadServiceClient(dialCounting(t, conn.Target())).Flood(ctx, &demov1.FloodRequest{Count: 3, Size: 1000}, test.opts...)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if item, err := stream.Recv(); err != nil || len(item.GetPayload()) != 1000 {
					t.Fatalf("%s: got %v, %v", test.name, item, err)
				}
			}
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if got := wire.compressed == 3; got != test.want {
				t.Errorf("%s: %d of 3 messages came compressed", test.name, wire.compressed)
			}
		}
	})
}

func TestDeadlines(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		client := demov1.NewLoadServiceClient(conn)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := client.Stall(ctx, &demov1.StallRequest{})
		wantCode(t, err, codes.DeadlineExceeded)
		reply, err := client.Stall(t.Context(), &demov1.StallRequest{Wait: durationpb.New(time.Millisecond), HeadersFirst: true})
		if err != nil || reply.GetWaited().AsDuration() < time.Millisecond {
			t.Errorf("got %v, %v", reply, err)
		}
		_, err = client.Stall(t.Context(), &demov1.StallRequest{Wait: durationpb.New(-1)})
		wantCode(t, err, codes.InvalidArgument)
	})
}

func TestHealth(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		client := grpc_health_v1.NewHealthClient(conn)
		for _, service := range []string{"", "demo.v1.UserService", "demo.v1.LoadService"} {
			reply, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
			if err != nil || reply.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
				t.Errorf("%q: %v, %v", service, reply, err)
			}
		}
		_, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "none"})
		wantCode(t, err, codes.NotFound)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		watch, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if reply, err := watch.Recv(); err != nil || reply.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("watch: %v, %v", reply, err)
		}
	})
}
