#!/bin/sh
# Runs a command in a network namespace of its own: loopback, and an interface with a default route that leads
# nowhere, so that browsers gather ordinary host candidates and no packet can leave the machine. Needs root.
exec unshare -n sh -ec '
  ip link set lo up
  ip link add lan0 type veth peer name lan1
  ip addr add 10.77.0.1/24 dev lan0
  ip -6 addr add fd77::1/64 dev lan0 nodad
  ip link set lan0 up
  ip link set lan1 up
  ip route add default via 10.77.0.2
  ip -6 route add default via fd77::2
  exec "$@"' sh "$@"
