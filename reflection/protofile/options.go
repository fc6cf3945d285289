package protofile

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// tagUninterpreted is uninterpreted_option of every options message.
const tagUninterpreted = protoreflect.FieldNumber(999)

// interpretOptions turns custom options into extensions of their options messages.
// The parser leaves them: it does not know what they are declared as. Those whose
// declaration is missing, or is not what they are written as, are left out.
func interpretOptions(sources []*source, r *resolver) {
	in := &interpreter{resolver: r}
	for _, s := range sources {
		if s.proto == nil {
			continue
		}
		eachOptions(s.proto.ProtoReflect(), s.proto.GetPackage(), func(o protoreflect.Message, scope string) {
			in.found = append(in.found, written{s, scope, o.Interface()})
		})
	}
	in.declare()
	for _, w := range in.found {
		in.interpret(w)
	}
}

// written is an options message with options that are not interpreted.
type written struct {
	in    *source
	scope string
	opts  proto.Message
}

// interpreter knows the extensions that the options of all files name.
type interpreter struct {
	resolver *resolver
	found    []written
	types    catalog.Types
}

// declare links the files that declare the options in use: they must be descriptors
// before the options of all files, theirs among them, can be read.
func (in *interpreter) declare() {
	needed := map[*source]bool{}
	var files []*descriptorpb.FileDescriptorProto
	var need func(*source)
	need = func(s *source) {
		if s == nil || needed[s] || s.proto == nil {
			return
		}
		needed[s] = true
		for _, dep := range s.needs {
			need(dep)
		}
		files = append(files, s.proto)
	}
	for _, w := range in.found {
		for _, o := range optionsOf(w.opts) {
			for _, part := range o.GetName() {
				if !part.GetIsExtension() {
					continue
				}
				if _, sym := in.resolver.look(w.in, w.scope, part.GetNamePart(), isExtension); sym != nil {
					need(sym.in)
				}
			}
		}
	}
	in.types = catalog.FromDescriptors(files).Types
}

func isExtension(k kind) bool { return k == extension }

// optionsOf takes the options that are not interpreted.
func optionsOf(opts proto.Message) []*descriptorpb.UninterpretedOption {
	m := opts.ProtoReflect()
	var all []*descriptorpb.UninterpretedOption
	list := m.Get(m.Descriptor().Fields().ByNumber(tagUninterpreted)).List()
	for i := range list.Len() {
		if o, ok := list.Get(i).Message().Interface().(*descriptorpb.UninterpretedOption); ok {
			all = append(all, o)
		}
	}
	return all
}

// interpret sets the options of one message. It leaves them as the program's own
// types where these are linked, and as unknown fields else, as they are in a
// descriptor set.
func (in *interpreter) interpret(w written) {
	m := w.opts.ProtoReflect()
	all := optionsOf(w.opts)
	m.Clear(m.Descriptor().Fields().ByNumber(tagUninterpreted))
	for _, o := range all {
		before := proto.Clone(w.opts)
		if err := in.set(w, m, o); err != nil {
			proto.Reset(w.opts)
			proto.Merge(w.opts, before)
		}
	}
	raw, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(w.opts)
	if err != nil {
		return
	}
	again := m.New().Interface()
	if (proto.UnmarshalOptions{AllowPartial: true, Resolver: protoregistry.GlobalTypes}).Unmarshal(raw, again) == nil {
		proto.Reset(w.opts)
		proto.Merge(w.opts, again)
	}
}

var errNotDeclared = errors.New("not declared")

// set follows the parts of an option's name and sets the value there.
func (in *interpreter) set(w written, m protoreflect.Message, o *descriptorpb.UninterpretedOption) error {
	for i, part := range o.GetName() {
		fd := in.part(w, m, part)
		if fd == nil || fd.IsMap() {
			return errNotDeclared
		}
		if i == len(o.GetName())-1 {
			return in.setValue(m, fd, o)
		}
		if fd.Message() == nil || fd.IsList() {
			return errNotDeclared
		}
		m = m.Mutable(fd).Message()
	}
	return errNotDeclared
}

// part finds the field or extension that one part of a name stands for.
func (in *interpreter) part(w written, m protoreflect.Message, part *descriptorpb.UninterpretedOption_NamePart) protoreflect.FieldDescriptor {
	if !part.GetIsExtension() {
		return m.Descriptor().Fields().ByName(protoreflect.Name(part.GetNamePart()))
	}
	full, sym := in.resolver.look(w.in, w.scope, part.GetNamePart(), isExtension)
	if sym == nil {
		return nil
	}
	x, err := in.types.FindExtensionByName(protoreflect.FullName(full))
	if err != nil {
		return nil
	}
	fd, of := x.TypeDescriptor(), m.Descriptor()
	if fd.ContainingMessage().FullName() != of.FullName() || !of.ExtensionRanges().Has(fd.Number()) {
		return nil
	}
	return fd
}

func (in *interpreter) setValue(m protoreflect.Message, fd protoreflect.FieldDescriptor, o *descriptorpb.UninterpretedOption) error {
	if fd.Message() != nil {
		if o.AggregateValue == nil {
			return errNotDeclared
		}
		value := m.NewField(fd)
		if fd.IsList() {
			value = value.List().NewElement()
		}
		parse := prototext.UnmarshalOptions{AllowPartial: true, Resolver: in.types}
		if err := parse.Unmarshal([]byte(o.GetAggregateValue()), value.Message().Interface()); err != nil {
			return err
		}
		put(m, fd, value)
		return nil
	}
	v, err := scalar(fd, o)
	if err == nil {
		put(m, fd, v)
	}
	return err
}

// put sets a field, or appends to it.
func put(m protoreflect.Message, fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	if fd.IsList() {
		m.Mutable(fd).List().Append(v)
		return
	}
	m.Set(fd, v)
}

// scalar returns the value of an option as the type that it is declared with.
func scalar(fd protoreflect.FieldDescriptor, o *descriptorpb.UninterpretedOption) (protoreflect.Value, error) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if id := o.GetIdentifierValue(); id == "true" || id == "false" {
			return protoreflect.ValueOfBool(id == "true"), nil
		}
	case protoreflect.EnumKind:
		if v := fd.Enum().Values().ByName(protoreflect.Name(o.GetIdentifierValue())); v != nil {
			return protoreflect.ValueOfEnum(v.Number()), nil
		}
	case protoreflect.StringKind:
		if o.StringValue != nil {
			return protoreflect.ValueOfString(strings.ToValidUTF8(string(o.StringValue), "\ufffd")), nil
		}
	case protoreflect.BytesKind:
		if o.StringValue != nil {
			return protoreflect.ValueOfBytes(o.StringValue), nil
		}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		if f, ok := float(o); ok && fd.Kind() == protoreflect.FloatKind {
			return protoreflect.ValueOfFloat32(float32(f)), nil
		} else if ok {
			return protoreflect.ValueOfFloat64(f), nil
		}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		if n, ok := signed(o); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			return protoreflect.ValueOfInt32(int32(n)), nil
		}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		if n, ok := signed(o); ok {
			return protoreflect.ValueOfInt64(n), nil
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		if n := o.GetPositiveIntValue(); o.PositiveIntValue != nil && n <= math.MaxUint32 {
			return protoreflect.ValueOfUint32(uint32(n)), nil
		}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if o.PositiveIntValue != nil {
			return protoreflect.ValueOfUint64(o.GetPositiveIntValue()), nil
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
	}
	return protoreflect.Value{}, fmt.Errorf("no %v", fd.Kind())
}

func signed(o *descriptorpb.UninterpretedOption) (int64, bool) {
	switch {
	case o.NegativeIntValue != nil:
		return o.GetNegativeIntValue(), true
	case o.PositiveIntValue != nil && o.GetPositiveIntValue() <= math.MaxInt64:
		return int64(o.GetPositiveIntValue()), true //nolint:gosec // checked
	}
	return 0, false
}

func float(o *descriptorpb.UninterpretedOption) (float64, bool) {
	switch id := o.GetIdentifierValue(); {
	case o.DoubleValue != nil:
		return o.GetDoubleValue(), true
	case o.PositiveIntValue != nil:
		return float64(o.GetPositiveIntValue()), true
	case o.NegativeIntValue != nil:
		return float64(o.GetNegativeIntValue()), true
	case id == "inf":
		return math.Inf(1), true
	case id == "nan":
		return math.NaN(), true
	}
	return 0, false
}

// eachOptions visits the options messages that the parser could not interpret
// wholly, with the scope that they are in.
func eachOptions(m protoreflect.Message, scope string, visit func(protoreflect.Message, string)) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil || fd.Message().Name() == "SourceCodeInfo":
		case fd.Name() == "options":
			o := v.Message()
			if u := o.Descriptor().Fields().ByNumber(tagUninterpreted); u != nil && o.Has(u) {
				visit(o, scope)
			}
		case fd.IsList():
			for i := range v.List().Len() {
				child := v.List().Get(i).Message()
				eachOptions(child, inner(child, scope), visit)
			}
		}
		return true
	})
}

// inner returns the scope within a message, service or enum.
func inner(m protoreflect.Message, scope string) string {
	switch d := m.Interface().(type) {
	case *descriptorpb.DescriptorProto:
		return join(scope, d.GetName())
	case *descriptorpb.ServiceDescriptorProto:
		return join(scope, d.GetName())
	case *descriptorpb.EnumDescriptorProto:
		return join(scope, d.GetName())
	}
	return scope
}
