// Pion: ICE, DTLS 1.2, SRTP and SCTP in Go. Its media are packets made here: it has no codecs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/pion/webrtc"
)

// Message `index` of `size` bytes.
func pattern(index, size int) []byte {
	message := make([]byte, size)
	for j := range message {
		message[j] = byte(index*31 + j*7 + (j >> 8))
	}
	return message
}

func fnv(data []byte) uint32 {
	hash := uint32(0x811c9dc5)
	for _, b := range data {
		hash = (hash ^ uint32(b)) * 0x01000193
	}
	return hash
}

type tally struct {
	Messages int    `json:"messages"`
	Bytes    int    `json:"bytes"`
	Hash     uint32 `json:"hash"`
}

func (t *tally) add(data []byte) {
	t.Messages++
	t.Bytes += len(data)
	t.Hash += fnv(data)
}

type channel struct {
	*webrtc.DataChannel
	echo     bool
	received tally
	texts    []string
}

type peer struct {
	sync.Mutex
	pc         *webrtc.PeerConnection
	channels   map[string]*channel
	echo       bool
	received   map[string]int
	candidates []*webrtc.ICECandidateInit
	closed     chan struct{}
}

func newPeer(config webrtc.Configuration) (*peer, error) {
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media)).NewPeerConnection(config)
	if err != nil {
		return nil, err
	}
	p := &peer{pc: pc, channels: map[string]*channel{}, received: map[string]int{}, closed: make(chan struct{})}
	pc.OnDataChannel(func(dc *webrtc.DataChannel) { p.adopt(dc, p.echo) })
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			p.Lock()
			p.received[track.Kind().String()]++
			p.Unlock()
		}
	})
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		p.Lock()
		defer p.Unlock()
		if candidate == nil {
			p.candidates = append(p.candidates, nil)
			return
		}
		init := candidate.ToJSON()
		p.candidates = append(p.candidates, &init)
	})
	return p, nil
}

func (p *peer) adopt(dc *webrtc.DataChannel, echo bool) {
	c := &channel{DataChannel: dc, echo: echo}
	p.Lock()
	p.channels[dc.Label()] = c
	p.Unlock()
	dc.OnMessage(func(message webrtc.DataChannelMessage) {
		p.Lock()
		c.received.add(message.Data)
		if message.IsString {
			c.texts = append(c.texts, string(message.Data))
		}
		echo := c.echo
		p.Unlock()
		switch {
		case echo && message.IsString:
			_ = dc.SendText(string(message.Data))
		case echo:
			_ = dc.Send(message.Data)
		}
	})
}

// Packets of one kind, fifty times a second.
func (p *peer) addTrack(kind, mime string, size int) error {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, kind, "interop")
	if err != nil {
		return err
	}
	if _, err = p.pc.AddTrack(track); err != nil {
		return err
	}
	go p.feed(track, size)
	return nil
}

func until(ms int, what func() string, test func() bool) error {
	for end := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if test() {
			return nil
		}
	}
	return fmt.Errorf("timed out after %d ms: %s", ms, what())
}

type request struct {
	ID   int               `json:"id"`
	Name string            `json:"name"`
	Args []json.RawMessage `json:"args"`
}

func main() {
	// What Pion logs must not end up between the answers.
	answers := os.Stdout
	os.Stdout = os.Stderr
	var out sync.Mutex
	say := func(line map[string]interface{}) {
		out.Lock()
		defer out.Unlock()
		text, _ := json.Marshal(line)
		fmt.Fprintln(answers, string(text))
	}
	say(map[string]interface{}{"version": version})
	peers := api{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			panic(err)
		}
		answer := func() {
			if value, err := peers.call(r); err != nil {
				say(map[string]interface{}{"id": r.ID, "error": err.Error()})
			} else {
				say(map[string]interface{}{"id": r.ID, "value": value})
			}
		}
		// What waits must not hold up the rest; what makes something is done in order.
		switch r.Name {
		case "create", "open", "echo", "echoOn":
			answer()
		default:
			go answer()
		}
	}
}
