package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// Bounds on what clients can upload.
const (
	maxFiles     = 64
	maxFileBytes = 1 << 20
)

// Sizes of a chunk that is sent.
const (
	defaultChunk = 4 << 10
	maxChunk     = 1 << 20
)

// file is a file on the shelf. It never changes: an upload of the same name
// puts another one in its place.
type file struct {
	info *demov1.FileInfo
	body []byte
}

// shelf holds the files.
type shelf struct {
	now   func() time.Time
	mu    sync.RWMutex
	files []file // sorted by name
}

// newShelf returns a shelf with the files every demo starts with.
func newShelf(now func() time.Time) *shelf {
	s := &shelf{now: now}
	noise := make([]byte, 100_000)
	_, _ = rand.NewChaCha8([32]byte{'n', 'o', 'i', 's', 'e'}).Read(noise)
	hello := []byte(strings.Repeat("Hello from the demo server.\n", 400))
	s.files = []file{
		{describe("hello.txt", "text/plain", hello, seedTime), hello},
		{describe("noise.bin", "application/octet-stream", noise, seedTime), noise},
	}
	return s
}

func describe(name, mediaType string, body []byte, modified time.Time) *demov1.FileInfo {
	sum := sha256.Sum256(body)
	return &demov1.FileInfo{
		Name: name, MediaType: mediaType, Size: int64(len(body)), Sha256: sum[:], Modified: timestamppb.New(modified),
	}
}

func (s *shelf) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.files, name, func(f file, name string) int { return strings.Compare(f.info.GetName(), name) })
}

// get returns the file with a name.
func (s *shelf) get(name string) (file, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if at, ok := s.find(name); ok {
		return s.files[at], nil
	}
	return file{}, errNotFound("FileInfo", clip(name))
}

// put stores a file in place of any of the same name.
func (s *shelf) put(f file) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.find(f.info.GetName())
	switch {
	case ok:
		s.files[at] = f
	case len(s.files) >= maxFiles:
		return errFull("files", maxFiles)
	default:
		s.files = slices.Insert(s.files, at, f)
	}
	return nil
}

// files is demo.v1.FileService.
type files struct {
	demov1.UnimplementedFileServiceServer
	shelf *shelf
}

// ListFiles implements demov1.FileServiceServer.
func (f *files) ListFiles(context.Context, *demov1.ListFilesRequest) (*demov1.ListFilesResponse, error) {
	f.shelf.mu.RLock()
	defer f.shelf.mu.RUnlock()
	reply := &demov1.ListFilesResponse{}
	for _, file := range f.shelf.files {
		reply.Files = append(reply.Files, file.info)
	}
	return reply, nil
}

// Download implements demov1.FileServiceServer.
func (f *files) Download(req *demov1.DownloadRequest, stream demov1.FileService_DownloadServer) error {
	size := int(req.GetChunkSize())
	if size == 0 {
		size = defaultChunk
	}
	if size < 0 || size > maxChunk {
		return errField("DownloadRequest", "chunk_size", fmt.Sprintf("must be 0 to %d", maxChunk))
	}
	file, err := f.shelf.get(req.GetName())
	if err != nil {
		return err
	}
	if err := stream.Send(&demov1.DownloadResponse{Part: &demov1.DownloadResponse_Info{Info: file.info}}); err != nil {
		return err
	}
	var offset int64
	for data := range slices.Chunk(file.body, size) {
		chunk := &demov1.Chunk{Offset: offset, Data: data}
		if err := stream.Send(&demov1.DownloadResponse{Part: &demov1.DownloadResponse_Chunk{Chunk: chunk}}); err != nil {
			return err
		}
		offset += int64(len(data))
	}
	return nil
}

// upload is a file that is still arriving.
type upload struct {
	info   *demov1.FileInfo
	body   []byte
	chunks int32
}

// Upload implements demov1.FileServiceServer.
func (f *files) Upload(stream demov1.FileService_UploadServer) error {
	var u upload
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = u.add(req)
		}
		if err != nil {
			return err
		}
	}
	info, err := u.finished(f.shelf.now())
	if err == nil {
		err = f.shelf.put(file{info, u.body})
	}
	if err != nil {
		return err
	}
	return stream.SendAndClose(&demov1.UploadResponse{Info: info, Chunks: u.chunks})
}

// add takes the next part of an upload.
func (u *upload) add(req *demov1.UploadRequest) error {
	switch part := req.GetPart().(type) {
	case *demov1.UploadRequest_Info:
		if u.info != nil {
			return errField("UploadRequest", "info", "must come once, before the chunks")
		}
		u.info = part.Info
		return checkFile(u.info)
	case *demov1.UploadRequest_Chunk:
		u.chunks++
		switch {
		case u.info == nil:
			return errField("UploadRequest", "chunk", "must come after info")
		case part.Chunk.GetOffset() != int64(len(u.body)):
			return errField("UploadRequest", "chunk.offset", fmt.Sprintf("must be %d, where the last chunk ended", len(u.body)))
		case len(u.body)+len(part.Chunk.GetData()) > maxFileBytes:
			return errFull("bytes of one file", maxFileBytes)
		}
		u.body = append(u.body, part.Chunk.GetData()...)
		return nil
	}
	return errField("UploadRequest", "part", "must be info or chunk")
}

// checkFile holds a description against the rules told in files.proto.
func checkFile(info *demov1.FileInfo) error {
	var v violations
	v.check(info.GetName() != "" && len(info.GetName()) <= 100 && !strings.Contains(info.GetName(), "/"), "info.name",
		`must be 1 to 100 bytes without "/"`)
	v.check(len(info.GetMediaType()) <= 100, "info.media_type", "must be at most 100 bytes")
	v.check(info.GetSize() >= 0, "info.size", "must not be negative")
	return v.err("UploadRequest")
}

// finished returns the description of what has arrived, if it is what was announced.
func (u *upload) finished(now time.Time) (*demov1.FileInfo, error) {
	if u.info == nil {
		return nil, errField("UploadRequest", "info", "is required")
	}
	info := describe(u.info.GetName(), u.info.GetMediaType(), u.body, now)
	sized := u.info.GetSize() == 0 || u.info.GetSize() == info.GetSize()
	if !sized || len(u.info.GetSha256()) > 0 && !bytes.Equal(u.info.GetSha256(), info.GetSha256()) {
		return nil, fail(codes.DataLoss, fmt.Sprintf("%s: %d bytes arrived, and they are not the announced ones", info.GetName(), info.GetSize()),
			&errdetails.ErrorInfo{Reason: "CHECKSUM_MISMATCH", Domain: errorDomain, Metadata: map[string]string{"sha256": fmt.Sprintf("%x", info.GetSha256())}})
	}
	return info, nil
}
