package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// curlFlags are grpcurl's flags, by its names.
type curlFlags struct {
	set *flag.FlagSet

	help, version bool

	plaintext, insecure, unix          bool
	cacert, cert, key                  string
	authority, serverName              string
	connectTimeout, keepalive, maxTime float64 // seconds
	maxMessage                         int
	userAgent                          string
	alts                               bool
	altsService                        string
	altsAccounts                       textList

	protos, importPaths, protosets textList
	reflect                        choice
	protosetOut, protoOut          string

	headers, rpcHeaders, reflectHeaders textList
	expandHeaders                       bool

	data                       string
	format                     string
	allowUnknown, emitDefaults bool
	formatError, template      bool
	verbose, veryVerbose       bool
}

// curlHelp is the help before the list of flags; %[1]s is the command.
const curlHelp = `Usage:
	%[1]s [flags] [address] [list|describe] [symbol]

list shows the services of a server or schema, or the methods of one service.
describe shows the source of a symbol, or of all services. Without a verb, symbol
is a method, as service/method or service.method, and is called with what -d gives;
a method that takes one message and is given none gets an empty one.

address is host:port, or the path of a socket with -unix. It may be left out of
list and describe when -proto or -protoset says where the schema is. TLS is on
unless -plaintext is given, for loopback too.

The flags, output and exit codes are those of grpcurl v1.9.4. For more than that,
see wiregloss call --help.

Flags:
`

// register names the flags. They have to come before the arguments, one dash or two.
func (f *curlFlags) register(command string) {
	f.set = flag.NewFlagSet(command, flag.ContinueOnError)
	f.registerConnection()
	f.registerSchema()
	s := f.set
	s.BoolVar(&f.help, "help", false, "print this help")
	s.BoolVar(&f.version, "version", false, "print the version")
	s.StringVar(&f.data, "d", "", "`data` to send, one message after another; @ reads them from stdin")
	s.StringVar(&f.format, "format", "json", "format of messages: json, or text with the byte 0x1E between messages")
	s.BoolVar(&f.allowUnknown, "allow-unknown-fields", false, "leave out JSON fields that the message does not have")
	s.BoolVar(&f.emitDefaults, "emit-defaults", false, "show fields of JSON replies that have their default")
	s.BoolVar(&f.formatError, "format-error", false, "show a status that is not OK in the -format")
	s.BoolVar(&f.template, "msg-template", false, "with describe of a message: also show a body to fill in")
	s.BoolVar(&f.verbose, "v", false, "show the method, metadata and counts too")
	s.BoolVar(&f.veryVerbose, "vv", false, "like -v, with sizes and times")
}

func (f *curlFlags) registerConnection() {
	s := f.set
	s.BoolVar(&f.plaintext, "plaintext", false, "no TLS")
	s.BoolVar(&f.insecure, "insecure", false, "do not verify the server's certificate")
	s.BoolVar(&f.unix, "unix", false, "address is the path of a unix socket")
	s.StringVar(&f.cacert, "cacert", "", "PEM `file` with the certificates to trust")
	s.StringVar(&f.cert, "cert", "", "PEM `file` with the client certificate; needs -key")
	s.StringVar(&f.key, "key", "", "PEM `file` with the client certificate's key; needs -cert")
	s.StringVar(&f.authority, "authority", "", "`name` to send as :authority, and to expect in the certificate")
	s.StringVar(&f.serverName, "servername", "", "`name` to expect in the certificate; prefer -authority")
	s.Float64Var(&f.connectTimeout, "connect-timeout", 0, "limit for connecting in `seconds`; 0 is 10")
	s.Float64Var(&f.keepalive, "keepalive-time", 0, "ask an idle server for a sign of life after so many `seconds`")
	s.Float64Var(&f.maxTime, "max-time", 0, "limit for everything in `seconds`, also the call's deadline")
	s.IntVar(&f.maxMessage, "max-msg-sz", 0, "limit of one received message in `bytes`; 0 is 4194304")
	s.StringVar(&f.userAgent, "user-agent", "", "`text` to put before this program's user agent")
	s.Var(&f.headers, "H", "metadata for calls and reflection, as `'name: value'`; -bin values in base64; repeatable")
	s.Var(&f.rpcHeaders, "rpc-header", "metadata for the call alone, as `'name: value'`; repeatable")
	s.Var(&f.reflectHeaders, "reflect-header", "metadata for reflection alone, as `'name: value'`; repeatable")
	s.BoolVar(&f.expandHeaders, "expand-headers", false, "put environment variables in place of ${NAME} in metadata")
	s.BoolVar(&f.alts, "alts", false, "not supported: ALTS works only inside Google Cloud, with its own handshake service")
	s.StringVar(&f.altsService, "alts-handshaker-service", "", "not supported, see -alts")
	s.Var(&f.altsAccounts, "alts-target-service-account", "not supported, see -alts")
}

func (f *curlFlags) registerSchema() {
	s := f.set
	f.reflect.on = true
	s.Var(&f.protos, "proto", "schema: a .proto `file`; repeatable")
	s.Var(&f.importPaths, "import-path", "`folder` in which -proto finds files and imports; repeatable")
	s.Var(&f.protosets, "protoset", "schema: a descriptor set `file`; repeatable")
	s.Var(&f.reflect, "use-reflection", "ask the server for the schema: the default without -proto and -protoset, and in addition to them if given")
	s.StringVar(&f.protosetOut, "protoset-out", "", "write the schema of what is listed, described or called to a descriptor set `file`")
	s.StringVar(&f.protoOut, "proto-out-dir", "", "write the schema of what is listed, described or called as .proto files into a `folder`")
}

// wrong says what flags cannot be as they are; empty if they can.
func (f *curlFlags) wrong() string {
	usesTLS := !f.plaintext && !f.alts
	switch {
	case f.connectTimeout < 0:
		return "The -connect-timeout argument must not be negative."
	case f.keepalive < 0:
		return "The -keepalive-time argument must not be negative."
	case f.maxTime < 0:
		return "The -max-time argument must not be negative."
	case f.maxMessage < 0:
		return "The -max-msg-sz argument must not be negative."
	case f.plaintext && f.alts:
		return "The -plaintext and -alts arguments are mutually exclusive."
	case f.insecure && !usesTLS:
		return "The -insecure argument can only be used with TLS."
	case f.cert != "" && !usesTLS:
		return "The -cert argument can only be used with TLS."
	case f.key != "" && !usesTLS:
		return "The -key argument can only be used with TLS."
	case (f.key == "") != (f.cert == ""):
		return "The -cert and -key arguments must be used together and both be present."
	case f.altsService != "" && !f.alts:
		return "The -alts-handshaker-service argument must be used with the -alts argument."
	case len(f.altsAccounts) > 0 && !f.alts:
		return "The -alts-target-service-account argument must be used with the -alts argument."
	case f.format != "json" && f.format != "text":
		return "The -format option must be 'json' or 'text'."
	}
	return ""
}

// arrange tells the task from the arguments, or what is wrong with them. It warns
// of flags that have no effect on the task.
func (c *curl) arrange(given []string) (t curlTask, wrong string) {
	const tooFew = "Too few arguments."
	if len(given) > 0 && given[0] != "list" && given[0] != "describe" {
		t.target, given = given[0], given[1:]
	}
	if len(given) == 0 {
		return t, tooFew
	}
	if given[0] == "list" || given[0] == "describe" {
		t.verb, given = given[0], given[1:]
		c.warnUnused()
	}
	if len(given) > 0 {
		t.symbol, given = given[0], given[1:]
	}
	files := len(c.protos)+len(c.protosets) > 0
	switch {
	case len(given) > 0:
		return t, "Too many arguments."
	case t.verb == "" && t.target == "":
		return t, "No host:port specified."
	case !files && t.target == "":
		return t, "No host:port specified, no protoset specified, and no proto sources specified."
	}
	if len(c.protosets) > 0 && len(c.reflectHeaders) > 0 {
		c.warn("The -reflect-header argument is not used when -protoset files are used.")
	}
	if len(c.protosets) > 0 && len(c.protos) > 0 {
		return t, "Use either -protoset files or -proto files, but not both."
	}
	if len(c.importPaths) > 0 && len(c.protos) == 0 {
		c.warn("The -import-path argument is not used unless -proto files are used.")
	}
	if !c.reflect.on && !files {
		return t, "No protoset files or proto files specified and -use-reflection set to false."
	}
	if !c.reflect.given && files {
		c.reflect.on = false
	}
	return t, ""
}

// warnUnused warns of flags that only a call has a use for.
func (c *curl) warnUnused() {
	if c.data != "" {
		c.warn("The -d argument is not used with 'list' or 'describe' verb.")
	}
	if len(c.rpcHeaders) > 0 {
		c.warn("The -rpc-header argument is not used with 'list' or 'describe' verb.")
	}
}

// verbosity is 1 with -v and 2 with -vv.
func (f *curlFlags) verbosity() int {
	switch {
	case f.veryVerbose:
		return 2
	case f.verbose:
		return 1
	}
	return 0
}

// expand puts environment variables into the headers, if asked to.
func (f *curlFlags) expand() error {
	if !f.expandHeaders {
		return nil
	}
	for _, l := range []struct {
		list *textList
		name string
	}{{&f.headers, "additional"}, {&f.rpcHeaders, "rpc"}, {&f.reflectHeaders, "reflection"}} {
		for i, h := range *l.list {
			expanded, err := expandHeader(h)
			if err != nil {
				return failure(err, "Failed to expand %s headers", l.name)
			}
			(*l.list)[i] = expanded
		}
	}
	return nil
}

var variable = regexp.MustCompile(`\$\{\w+\}`)

// expandHeader puts the values of environment variables in place of ${NAME}.
func expandHeader(h string) (string, error) {
	var missing error
	expanded := variable.ReplaceAllStringFunc(h, func(ref string) string {
		name := ref[2 : len(ref)-1]
		value, ok := os.LookupEnv(name)
		if !ok && missing == nil {
			missing = fmt.Errorf("header %q refers to missing environment variable %q", h, name)
		}
		return value
	})
	return expanded, missing
}

// textList is a flag that may be given several times.
type textList []string

// String returns the values with commas between.
func (l *textList) String() string { return strings.Join(*l, ",") }

// Set adds a value.
func (l *textList) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// choice is a yes or no that knows whether it was given.
type choice struct{ given, on bool }

// String returns the value, "unset" if it was not given.
func (c *choice) String() string {
	if c == nil || !c.given {
		return "unset"
	}
	return strconv.FormatBool(c.on)
}

// Set sets the value.
func (c *choice) Set(text string) error {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return err
	}
	c.given, c.on = true, on
	return nil
}

// IsBoolFlag lets the flag stand without a value.
func (c *choice) IsBoolFlag() bool { return true }

// seconds turns a number of seconds into a duration; the longest for too many.
func seconds(n float64) time.Duration {
	if d := n * float64(time.Second); d < math.MaxInt64 {
		return time.Duration(d)
	}
	return math.MaxInt64
}
