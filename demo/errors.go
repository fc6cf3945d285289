package demo

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// errorDomain is the ErrorInfo.domain of every error of the demo.
const errorDomain = "demo.v1"

// Errors of the demo are gRPC statuses with google.rpc details wherever they
// arise. REST turns the same statuses into problem details.

// fail returns a status error with details.
func fail(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	st := status.New(code, message)
	if detailed, err := st.WithDetails(details...); err == nil {
		st = detailed
	}
	return st.Err()
}

// errNotFound says that there is no such resource.
func errNotFound(kind, id string) error {
	return fail(codes.NotFound, fmt.Sprintf("%s %q does not exist", kind, id),
		&errdetails.ResourceInfo{ResourceType: "demo.v1." + kind, ResourceName: id, Description: "ids are told by the list method"},
		&errdetails.ErrorInfo{Reason: "NO_SUCH_RESOURCE", Domain: errorDomain, Metadata: map[string]string{"id": id}},
	)
}

// errTaken says that a resource to create is there already.
func errTaken(kind, id string) error {
	return fail(codes.AlreadyExists, fmt.Sprintf("%s %q exists already", kind, id),
		&errdetails.ResourceInfo{ResourceType: "demo.v1." + kind, ResourceName: id, Description: "leave the id empty to get a free one"},
		&errdetails.ErrorInfo{Reason: "ID_TAKEN", Domain: errorDomain, Metadata: map[string]string{"id": id}},
	)
}

// errState says that a resource is not in a state that allows what was asked.
func errState(kind, id, rule string) error {
	return fail(codes.FailedPrecondition, fmt.Sprintf("%s %q: %s", kind, id, rule),
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
			{Type: "STATE", Subject: "demo.v1." + kind + "/" + id, Description: rule},
		}},
	)
}

// errFull says that the server holds as much as it may.
func errFull(subject string, limit int) error {
	return fail(codes.ResourceExhausted, fmt.Sprintf("%s: the demo holds at most %d; delete some or restart it", subject, limit),
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
			{Subject: subject, Description: fmt.Sprintf("at most %d", limit)},
		}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(30 * time.Second)},
	)
}

// violations collects what is wrong with a message, rule by rule.
type violations []*errdetails.BadRequest_FieldViolation

// check adds a violation of the field at path unless ok.
func (v *violations) check(ok bool, path, rule string) {
	if !ok {
		*v = append(*v, &errdetails.BadRequest_FieldViolation{Field: path, Description: rule})
	}
}

// err returns INVALID_ARGUMENT with all violations, or nil if there are none.
func (v violations) err(subject string) error {
	if len(v) == 0 {
		return nil
	}
	message := fmt.Sprintf("%s: %s: %s", subject, v[0].Field, v[0].Description)
	if len(v) > 1 {
		message += fmt.Sprintf(" (and %d more)", len(v)-1)
	}
	return fail(codes.InvalidArgument, message, &errdetails.BadRequest{FieldViolations: v})
}

// errField says what is wrong with one field.
func errField(subject, path, rule string) error {
	var v violations
	v.check(false, path, rule)
	return v.err(subject)
}
