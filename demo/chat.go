package demo

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// chat is demo.v1.ChatService.
type chat struct {
	demov1.UnimplementedChatServiceServer
	now func() time.Time
}

// Chat implements demov1.ChatServiceServer.
func (c *chat) Chat(stream demov1.ChatService_ChatServer) error {
	for number := int32(1); ; number++ {
		said, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.Send(c.say(number-1, demov1.ChatMessage_FRIENDLY, fmt.Sprintf("Goodbye after %d messages.", number-1)))
		}
		if err != nil {
			return err
		}
		if len(said.GetText()) > 4096 {
			return errField("ChatMessage", "text", "must be at most 4096 bytes")
		}
		if err := stream.Send(c.answer(number, said)); err != nil {
			return err
		}
	}
}

// answer says something about what was said.
func (c *chat) answer(number int32, said *demov1.ChatMessage) *demov1.ChatMessage {
	who := said.GetFrom()
	if who == "" {
		who = "friend"
	}
	if strings.HasSuffix(said.GetText(), "?") {
		return c.say(number, demov1.ChatMessage_PUZZLED, fmt.Sprintf("I do not know either, %s: %s", clip(who), said.GetText()))
	}
	return c.say(number, demov1.ChatMessage_FRIENDLY, fmt.Sprintf("%s, you said: %s", clip(who), said.GetText()))
}

func (c *chat) say(number int32, mood demov1.ChatMessage_Mood, text string) *demov1.ChatMessage {
	return &demov1.ChatMessage{From: "demo", Text: text, Number: number, Mood: mood, At: timestamppb.New(c.now())}
}
