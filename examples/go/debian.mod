module github.com/sampled/sampled/examples/go

go 1.19

require github.com/godbus/dbus/v5 v5.1.0

replace github.com/godbus/dbus/v5 => /usr/share/gocode/src/github.com/godbus/dbus
