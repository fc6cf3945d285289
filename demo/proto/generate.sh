#!/bin/sh
# Rewrites demov1/*.pb.go and demov1/demo.protoset from the .proto files.
# See README.md beside this file for what must be installed.
set -eu
cd "$(dirname "$0")"
: "${GOOGLEAPIS:?set GOOGLEAPIS to a checkout of github.com/googleapis/googleapis}"

out=../demov1
protoc -I . -I "$GOOGLEAPIS" \
	--go_out="$out" --go_opt=module=github.com/wiregloss/wiregloss/demo/demov1 \
	--go-grpc_out="$out" --go-grpc_opt=module=github.com/wiregloss/wiregloss/demo/demov1 \
	--include_source_info --descriptor_set_out="$out/demo.protoset" \
	demo/v1/*.proto
