package demo

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

func uploadInfo(info *demov1.FileInfo) *demov1.UploadRequest {
	return &demov1.UploadRequest{Part: &demov1.UploadRequest_Info{Info: info}}
}

func uploadChunk(offset int64, data []byte) *demov1.UploadRequest {
	return &demov1.UploadRequest{Part: &demov1.UploadRequest_Chunk{Chunk: &demov1.Chunk{Offset: offset, Data: data}}}
}

// upload sends parts until the server has had enough of them.
func uploadAll(t *testing.T, client demov1.FileServiceClient, parts ...*demov1.UploadRequest) (*demov1.UploadResponse, error) {
	t.Helper()
	stream, err := client.Upload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if err := stream.Send(part); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return stream.CloseAndRecv()
}

// download returns a file and the number of its chunks.
func download(t *testing.T, client demov1.FileServiceClient, req *demov1.DownloadRequest) (*demov1.FileInfo, []byte, int) {
	t.Helper()
	stream, err := client.Download(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	for chunks := 0; ; chunks++ {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return first.GetInfo(), body, chunks
		}
		if err != nil {
			t.Fatal(err)
		}
		if part.GetChunk().GetOffset() != int64(len(body)) {
			t.Fatalf("chunk at %d, want %d", part.GetChunk().GetOffset(), len(body))
		}
		body = append(body, part.GetChunk().GetData()...)
	}
}

func TestFiles(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		client := demov1.NewFileServiceClient(conn)
		sent := bytes.Repeat([]byte("0123456789"), 5000)
		reply, err := uploadAll(t, client, uploadInfo(&demov1.FileInfo{Name: "digits", Size: 50_000}),
			uploadChunk(0, sent[:20_000]), uploadChunk(20_000, sent[20_000:]))
		if err != nil || reply.GetChunks() != 2 || reply.GetInfo().GetSize() != 50_000 {
			t.Fatalf("uploaded %v, %v", reply, err)
		}
		info, got, chunks := download(t, client, &demov1.DownloadRequest{Name: "digits", ChunkSize: 7000})
		if !bytes.Equal(got, sent) || chunks != 8 || !proto.Equal(info, reply.GetInfo()) {
			t.Errorf("downloaded %d bytes in %d chunks as %v", len(got), chunks, info)
		}
		list, err := client.ListFiles(t.Context(), &demov1.ListFilesRequest{})
		if err != nil || len(list.GetFiles()) != 3 || list.GetFiles()[0].GetName() != "digits" {
			t.Errorf("listed %v, %v", list, err)
		}
	})
}

func TestUploadErrors(t *testing.T) {
	t.Parallel()
	client := demov1.NewFileServiceClient(dial(t, start(t).Addr()))
	info := uploadInfo(&demov1.FileInfo{Name: "x"})
	half := make([]byte, 900_000)
	for _, test := range []struct {
		name  string
		parts []*demov1.UploadRequest
		want  codes.Code
	}{
		{"nothing", nil, codes.InvalidArgument},
		{"empty part", []*demov1.UploadRequest{{}}, codes.InvalidArgument},
		{"chunk first", []*demov1.UploadRequest{uploadChunk(0, []byte("a"))}, codes.InvalidArgument},
		{"info twice", []*demov1.UploadRequest{info, info}, codes.InvalidArgument},
		{"gap", []*demov1.UploadRequest{info, uploadChunk(1, []byte("a"))}, codes.InvalidArgument},
		{"path as a name", []*demov1.UploadRequest{uploadInfo(&demov1.FileInfo{Name: "a/b"})}, codes.InvalidArgument},
		{"wrong size", []*demov1.UploadRequest{uploadInfo(&demov1.FileInfo{Name: "x", Size: 2}), uploadChunk(0, []byte("a"))}, codes.DataLoss},
		{"too large", []*demov1.UploadRequest{info, uploadChunk(0, half), uploadChunk(900_000, half)}, codes.ResourceExhausted},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := uploadAll(t, client, test.parts...)
			wantCode(t, err, test.want)
		})
	}
}

func TestChatAnswersWhileTheClientStillSends(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		stream, err := demov1.NewChatServiceClient(conn).Chat(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range []string{"hello", "how are you?"} {
			if err := stream.Send(&demov1.ChatMessage{From: "Eva", Text: text}); err != nil {
				t.Fatal(err)
			}
			answer, err := stream.Recv() // the client has not closed its side
			if err != nil || answer.GetNumber() != int32(i+1) || !bytes.Contains([]byte(answer.GetText()), []byte(text)) {
				t.Fatalf("got %v, %v", answer, err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if bye, err := stream.Recv(); err != nil || bye.GetText() != "Goodbye after 2 messages." {
			t.Errorf("got %v, %v", bye, err)
		}
		if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the end", err)
		}
	})
}

func TestFlood(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		client := demov1.NewLoadServiceClient(conn)
		for _, size := range []int32{0, 16, 100_000} {
			stream, err := client.Flood(t.Context(), &demov1.FloodRequest{Count: 9, Size: size})
			if err != nil {
				t.Fatal(err)
			}
			for range 9 {
				item, err := stream.Recv()
				if err != nil || len(item.GetPayload()) != int(size) || item.GetSource().GetPosition() == nil || item.GetMean() == 0 ||
					len(item.GetSamples()) != 3 || len(item.GetCounts()) != 1 || item.GetLevel() == 0 {
					t.Fatalf("got %v, %v", item, err)
				}
				if n := proto.Size(item); size == 16 && (n < 70 || n > 80) {
					t.Errorf("an item takes %d bytes, want about 75", n)
				}
			}
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				t.Errorf("got %v, want the end", err)
			}
		}
		stream, err := client.Flood(t.Context(), &demov1.FloodRequest{Count: -1, Size: -1})
		if err == nil {
			_, err = stream.Recv()
		}
		if got := detail[*errdetails.BadRequest](t, wantCode(t, err, codes.InvalidArgument)).GetFieldViolations(); len(got) != 2 {
			t.Errorf("violations %v", got)
		}
	})
}

func TestFailMidway(t *testing.T) {
	overBoth(t, func(t *testing.T, conn *grpc.ClientConn) {
		stream, err := demov1.NewLoadServiceClient(conn).FailMidway(t.Context(), &demov1.FailMidwayRequest{Count: 3, Code: 14, Message: "naïve\n"})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
		}
		_, err = stream.Recv()
		st := wantCode(t, err, codes.Unavailable)
		if st.Message() != "naïve\n" {
			t.Errorf("message %q", st.Message())
		}
		detail[*errdetails.BadRequest](t, st)
		detail[*errdetails.RetryInfo](t, st)
		detail[*errdetails.DebugInfo](t, st)
	})
}
