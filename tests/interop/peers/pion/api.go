package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pion/webrtc"
	"github.com/pion/webrtc/pkg/media"
)

// What Debian 12 packages.
const version = "3.1.56"

// The functions of `page.js`, by their names.
type api map[string]*peer

type described struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

func (p *peer) feed(track *webrtc.TrackLocalStaticSample, size int) {
	for {
		select {
		case <-p.closed:
			return
		case <-time.After(20 * time.Millisecond):
			_ = track.WriteSample(media.Sample{Data: pattern(0, size), Duration: 20 * time.Millisecond})
		}
	}
}

func (a api) call(r request) (interface{}, error) {
	arg := func(i int, into interface{}) {
		if i < len(r.Args) {
			_ = json.Unmarshal(r.Args[i], into)
		}
	}
	var name, label string
	arg(0, &name)
	arg(1, &label)
	if r.Name == "create" {
		config := webrtc.Configuration{}
		arg(1, &config)
		p, err := newPeer(config)
		a[name] = p
		return nil, err
	}
	p := a[name]
	if p == nil {
		if r.Name == "close" {
			return nil, nil
		}
		return nil, fmt.Errorf("no peer %q", name)
	}
	switch r.Name {
	case "offer", "answer", "accept", "candidate", "candidates":
		return p.negotiate(r.Name, arg)
	case "media", "inbound", "state", "echo", "close":
		return p.connection(r.Name, arg)
	case "open":
		init := webrtc.DataChannelInit{}
		arg(2, &init)
		dc, err := p.pc.CreateDataChannel(label, &init)
		if err == nil {
			p.adopt(dc, false)
		}
		return nil, err
	case "channelState":
		var wanted string
		arg(2, &wanted)
		return nil, until(10000, func() string { return "channel " + label + " " + wanted }, func() bool {
			c := p.channel(label)
			return c != nil && c.ReadyState().String() == wanted
		})
	}
	c := p.channel(label)
	if c == nil {
		return nil, fmt.Errorf("%s: no channel %q", r.Name, label)
	}
	return p.onChannel(c, r.Name, arg)
}

func (p *peer) channel(label string) *channel {
	p.Lock()
	defer p.Unlock()
	return p.channels[label]
}

func (p *peer) negotiate(what string, arg func(int, interface{})) (interface{}, error) {
	var description described
	switch what {
	case "offer":
		options := struct{ IceRestart bool }{}
		arg(1, &options)
		offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: options.IceRestart})
		if err != nil {
			return nil, err
		}
		return p.describe(offer)
	case "answer":
		arg(1, &description)
		if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: description.SDP}); err != nil {
			return nil, err
		}
		answer, err := p.pc.CreateAnswer(nil)
		if err != nil {
			return nil, err
		}
		return p.describe(answer)
	case "accept":
		arg(1, &description)
		return nil, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: description.SDP})
	case "candidate":
		var candidate *webrtc.ICECandidateInit
		arg(1, &candidate)
		if candidate == nil {
			candidate = &webrtc.ICECandidateInit{}
		}
		return nil, p.pc.AddICECandidate(*candidate)
	default:
		p.Lock()
		defer p.Unlock()
		fresh := p.candidates
		p.candidates = nil
		return fresh, nil
	}
}

func (p *peer) describe(description webrtc.SessionDescription) (interface{}, error) {
	complete := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(description); err != nil {
		return nil, err
	}
	<-complete
	return described{description.Type.String(), p.pc.LocalDescription().SDP}, nil
}

func (p *peer) connection(what string, arg func(int, interface{})) (interface{}, error) {
	switch what {
	case "media":
		wanted := struct{ Audio, Video bool }{}
		arg(1, &wanted)
		if wanted.Audio {
			if err := p.addTrack("audio", webrtc.MimeTypeOpus, 40); err != nil {
				return nil, err
			}
		}
		if wanted.Video {
			return nil, p.addTrack("video", webrtc.MimeTypeVP8, 3000)
		}
		return nil, nil
	case "inbound":
		var kind string
		enough := 1
		arg(1, &kind)
		arg(2, &enough)
		count := func() int { p.Lock(); defer p.Unlock(); return p.received[kind] }
		err := until(20000, func() string { return fmt.Sprintf("%d packets of %s, got %d", enough, kind, count()) }, func() bool { return count() >= enough })
		return map[string]int{"packetsReceived": count()}, err
	case "state":
		var wanted string
		arg(1, &wanted)
		return nil, until(15000, func() string { return wanted + ", is " + p.pc.ConnectionState().String() }, func() bool { return p.pc.ConnectionState().String() == wanted })
	case "echo":
		p.echo = true
		return nil, nil
	default:
		select {
		case <-p.closed:
			return nil, nil
		default:
		}
		close(p.closed)
		return nil, p.pc.Close()
	}
}

func (p *peer) onChannel(c *channel, what string, arg func(int, interface{})) (interface{}, error) {
	switch what {
	case "echoOn":
		c.echo = true
		return nil, nil
	case "burst":
		var count int
		var sizes []int
		arg(2, &count)
		arg(3, &sizes)
		return burst(c, count, sizes)
	case "text":
		var text string
		arg(2, &text)
		return nil, c.SendText(text)
	case "closeChannel":
		return nil, c.Close()
	case "received":
		var enough int
		arg(2, &enough)
		count := func() int { p.Lock(); defer p.Unlock(); return c.received.Messages }
		if err := until(20000, func() string { return fmt.Sprintf("%d messages on %s, got %d", enough, c.Label(), count()) }, func() bool { return count() >= enough }); err != nil {
			return nil, err
		}
	case "count":
	default:
		return nil, fmt.Errorf("no function %q", what)
	}
	p.Lock()
	defer p.Unlock()
	return map[string]interface{}{"messages": c.received.Messages, "bytes": c.received.Bytes, "hash": c.received.Hash, "texts": c.texts,
		"id": c.ID(), "protocol": c.Protocol(), "ordered": c.Ordered(), "negotiated": c.Negotiated(),
		"maxRetransmits": c.MaxRetransmits(), "maxPacketLifeTime": c.MaxPacketLifeTime()}, nil
}

func burst(c *channel, count int, sizes []int) (interface{}, error) {
	var sent tally
	for i := 0; i < count; i++ {
		message := pattern(i, sizes[i%len(sizes)])
		sent.add(message)
		if err := until(30000, func() string { return "room" }, func() bool { return c.BufferedAmount() < 4<<20 }); err != nil {
			return nil, err
		}
		if err := c.Send(message); err != nil {
			return nil, err
		}
	}
	return sent, nil
}
