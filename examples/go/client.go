// A client of sampled in Go with godbus.
//
//	go build -o client .
//	./client
//
// Debian: golang-go and golang-dbus-dev, and GOFLAGS=-modfile=debian.mod. Signals wait in a channel until the call of
// Start has returned.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	name   = "io.github.sampled.Sampler1"
	path   = "/io/github/sampled/Sampler1"
	frames = 5
)

var metrics = []string{"cpu/all/usage", "room/desk/temperature", "memory/physical/used", "os/kernel/name"}

type client struct {
	service       dbus.BusObject
	session       uint32
	frame         int
	columns       []string
	units         map[string]string
	texts, faults map[string]string
}

// call calls a method with a deadline: godbus has none.
func (c *client) call(method string, arguments ...any) *dbus.Call {
	deadline, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	return c.service.CallWithContext(deadline, name+"."+method, 0, arguments...)
}

func (c *client) list() error {
	var list map[string]map[string]dbus.Variant
	if err := c.call("List", []string{"cpu/all", "memory/physical/used"}).Store(&list); err != nil {
		return err
	}
	c.units = make(map[string]string)
	for id, metric := range list {
		c.units[id], _ = metric["unit"].Value().(string)
		fmt.Printf("metric %s: %v [%s], %v\n", id, metric["name"].Value(), c.units[id], metric["group"].Value())
	}
	return nil
}

func (c *client) sample() error {
	// A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`.
	options := map[string]any{"optional": true, "timeout": uint64(100000)}
	var timestamp uint64
	var readings map[string]any
	if err := c.call("Sample", metrics, options).Store(&timestamp, &readings, &c.faults); err != nil {
		return err
	}
	for id, reading := range readings {
		if value, ok := reading.(float64); ok {
			fmt.Println("now:", c.show(id, value))
		} else {
			fmt.Println("now:", id, "=", reading)
		}
	}
	for id := range c.faults {
		fmt.Println("now:", c.show(id, math.NaN()))
	}
	return nil
}

func (c *client) start() error {
	options := map[string]any{"label": "go", "optional": true}
	err := c.call("Start", metrics, uint64(1000000), options).Store(&c.session, &c.columns)
	var failure dbus.Error
	if errors.As(err, &failure) && (failure.Name == "org.freedesktop.DBus.Error.NoReply" ||
		failure.Name == "io.github.sampled.Error.Stopping") {
		c.session = 0 // the service ends while it is called: NameOwnerChanged follows
		return nil
	}
	return err
}

// receive handles a signal of the service or the bus.
func (c *client) receive(signal *dbus.Signal) error {
	if signal.Name == "org.freedesktop.DBus.NameOwnerChanged" && signal.Body[1] != "" {
		// The old owner, the service, has gone, and its sessions with it.
		fmt.Println("the service has gone: starting again")
		return c.start()
	}
	if signal.Body[0] != c.session {
		return nil // a detached session of another program, which all programs hear
	}
	switch signal.Name {
	case name + ".Changed":
		var columns []string
		var texts, faults map[string]string
		if err := dbus.Store(signal.Body[1:], &columns, &texts, &faults); err != nil {
			return err
		}
		if len(columns) > 0 {
			c.columns, c.texts, c.faults = columns, make(map[string]string), make(map[string]string)
			fmt.Println("columns:", strings.Join(columns, " "))
		}
		for id, text := range texts {
			c.texts[id] = text
		}
		for id, fault := range faults {
			c.faults[id] = fault
		}
	case name + ".Sampled":
		values, _ := signal.Body[2].([]float64)
		c.frame++
		for i, value := range values {
			fmt.Printf("frame %d: %s\n", c.frame, c.show(c.columns[i], value))
		}
	case name + ".Ended":
		if reason := signal.Body[1]; reason != "stopping" { // otherwise the owner of the name changes next
			return fmt.Errorf("the session has ended: %v", reason)
		}
	}
	return nil
}

func (c *client) show(id string, value float64) string {
	if !math.IsNaN(value) {
		return fmt.Sprintf("%s = %.1f %s", id, value, c.units[id])
	}
	if fault := c.faults[id]; fault != "" {
		return fmt.Sprintf("%s = (%s)", id, fault)
	}
	if text, ok := c.texts[id]; ok {
		return fmt.Sprintf("%s = %s", id, text)
	}
	return fmt.Sprintf("%s = (stale)", id)
}

func run() error {
	// The sequential handler keeps the order of the signals.
	bus, err := dbus.ConnectSessionBus(dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return err
	}
	defer bus.Close()
	signals := make(chan *dbus.Signal)
	bus.Signal(signals)
	if err := bus.AddMatchSignal(dbus.WithMatchSender(name), dbus.WithMatchInterface(name)); err != nil {
		return err
	}
	if err := bus.AddMatchSignal(dbus.WithMatchSender("org.freedesktop.DBus"),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name)); err != nil {
		return err
	}
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt, syscall.SIGTERM)

	c := client{service: bus.Object(name, path)}
	for _, step := range []func() error{c.list, c.sample, c.start} {
		if err := step(); err != nil {
			return err
		}
	}
	for c.frame < frames {
		select {
		case <-interrupt:
			c.frame = frames
		case signal, open := <-signals:
			if !open {
				return errors.New("the bus has gone")
			}
			if err := c.receive(signal); err != nil {
				return err
			}
		}
	}
	if c.session != 0 {
		if err := c.call("Stop", c.session).Err; err != nil {
			return err
		}
	}
	fmt.Println("stopped")
	return nil
}

func main() {
	err := run()
	var failure dbus.Error
	if errors.As(err, &failure) && failure.Name == "org.freedesktop.DBus.Error.ServiceUnknown" {
		err = errors.New("There is no " + name + " on this bus. Please install sampled.")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
