package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// users is demo.v1.UserService.
type users struct {
	demov1.UnimplementedUserServiceServer
	data *data
}

// GetUser implements demov1.UserServiceServer.
func (u *users) GetUser(_ context.Context, req *demov1.GetUserRequest) (*demov1.User, error) {
	return u.data.users.get(req.GetUserId())
}

// ListUsers implements demov1.UserServiceServer.
func (u *users) ListUsers(_ context.Context, req *demov1.ListUsersRequest) (*demov1.ListUsersResponse, error) {
	p, err := u.data.users.list(req.GetPageSize(), req.GetPageToken(), func(*demov1.User) bool { return true })
	if err != nil {
		return nil, err
	}
	return &demov1.ListUsersResponse{Users: p.items, NextPageToken: p.next, TotalSize: int32(p.total)}, nil
}

// CreateUser implements demov1.UserServiceServer.
func (u *users) CreateUser(_ context.Context, req *demov1.CreateUserRequest) (*demov1.User, error) {
	if req.GetUser() == nil {
		return nil, errField("CreateUserRequest", "user", "is required")
	}
	return u.data.users.create(req.GetUser())
}

// ReplaceUser implements demov1.UserServiceServer.
func (u *users) ReplaceUser(_ context.Context, req *demov1.ReplaceUserRequest) (*demov1.User, error) {
	if req.GetUser() == nil {
		return nil, errField("ReplaceUserRequest", "user", "is required")
	}
	return u.data.users.edit(req.GetUser().GetId(), func(*demov1.User) (*demov1.User, error) { return req.GetUser(), nil })
}

// UpdateUser implements demov1.UserServiceServer.
func (u *users) UpdateUser(_ context.Context, req *demov1.UpdateUserRequest) (*demov1.User, error) {
	if req.GetUser() == nil {
		return nil, errField("UpdateUserRequest", "user", "is required")
	}
	return u.data.users.edit(req.GetUser().GetId(), func(prev *demov1.User) (*demov1.User, error) {
		return masked("UpdateUserRequest", prev, req.GetUser(), req.GetUpdateMask())
	})
}

// DeleteUser implements demov1.UserServiceServer.
func (u *users) DeleteUser(_ context.Context, req *demov1.DeleteUserRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, u.data.users.remove(req.GetUserId(), func(*demov1.User) error { return nil })
}

// userRules are the rules of the table of users.
func userRules(now func() time.Time) rules[*demov1.User] {
	return rules[*demov1.User]{
		kind:  "User",
		setID: func(u *demov1.User, id string) { u.Id = id },
		accept: func(next, prev *demov1.User) error {
			switch {
			case prev != nil:
				next.Joined = prev.GetJoined()
			case next.GetJoined() == nil:
				next.Joined = timestamppb.New(now().Truncate(time.Second))
			}
			return checkUser(next)
		},
		release: func(*demov1.User) error { return nil },
	}
}

// checkUser holds a user against the rules told in users.proto.
func checkUser(u *demov1.User) error {
	var v violations
	v.check(u.GetName() != "" && len(u.GetName()) <= 200, "name", "must be 1 to 200 bytes")
	v.check(u.GetAge() >= 0 && u.GetAge() <= 150, "age", "must be 0 to 150")
	v.check(len(u.GetEmail()) <= 200 && (u.GetEmail() == "" || strings.Count(u.GetEmail(), "@") == 1), "email",
		`must have one "@" and at most 200 bytes`)
	v.check(len(u.GetNickname()) <= 64, "nickname", "must be at most 64 bytes")
	v.check(u.GetJoined() == nil || u.GetJoined().IsValid(), "joined", "must be in the years 1 to 9999")
	v.check(len(u.GetTags()) <= 32, "tags", "must be at most 32")
	for i, tag := range u.GetTags() {
		v.check(len(tag) <= 64, fmt.Sprintf("tags[%d]", i), "must be at most 64 bytes")
	}
	if a := u.GetAddress(); a != nil {
		v.check(len(a.GetCity()) <= 200, "address.city", "must be at most 200 bytes")
		v.check(len(a.GetStreet()) <= 200, "address.street", "must be at most 200 bytes")
		v.check(a.GetCountry() == "" || capitals(a.GetCountry(), 2), "address.country", "must be two capital letters")
		_, known := demov1.Address_Kind_name[int32(a.GetKind())]
		v.check(known, "address.kind", "must be one of Address.Kind")
	}
	return v.err("User")
}

// capitals reports whether s is n capital letters.
func capitals(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
