#!/usr/bin/env bash
# A client of sampled in bash, with busctl and jq. Debian: systemd, jq.
#
#     bash client.sh
#
# busctl leaves the bus after each call, and a session ends with its client. So this session is detached: it lasts until
# somebody stops it, as `stop` does here.
set -eu -o pipefail

name=io.github.sampled.Sampler1 object=/io/github/sampled/Sampler1
metrics=(cpu/all/usage room/desk/temperature memory/physical/used os/kernel/name)
session='' frames=0

call() { busctl --user --json=short call "$name" "$object" "$name" "$@"; }

start() {
    session=$(call Start 'asta{sv}' ${#metrics[@]} "${metrics[@]}" 1000000 \
        3 label s shell optional b true detached b true | jq '.data[0]')
}

stop() {
    trap - EXIT INT TERM
    if [ -n "$session" ] && call Stop u "$session"; then
        echo stopped
    fi
    kill "$monitor" 2>/dev/null || :
}

# Listen first. The line that busctl then writes to stderr is none of JSON.
coproc exec busctl --user --json=short monitor 2>&1 \
    --match="type='signal',sender='$name',interface='$name'" \
    --match="type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='$name'"
monitor=$COPROC_PID
trap stop EXIT
trap 'exit 0' INT TERM
IFS= read -r _ <&"${COPROC[0]}"

list=$(call List as 2 cpu/all memory/physical/used) || {
    echo "There is no $name on this bus. Please install sampled." >&2
    exit 1
}
jq -r '.data[0] | to_entries[]
    | "metric \(.key): \(.value.name.data) [\(.value.unit.data)], \(.value.group.data)"' <<<"$list"

# What jq needs to print a reading as the other examples do.
show='def show($unit): if type == "number" then "\(. * 10 | round / 10) \($unit // "")" else . end;'
units=$(jq '.data[0] | map_values(.unit.data)' <<<"$list")

# A new service needs two reads, 200 ms apart, for a rate: within 100 ms there is the fault `timeout`.
call Sample 'asa{sv}' ${#metrics[@]} "${metrics[@]}" 2 optional b true timeout t 100000 |
    jq -r --argjson units "$units" "$show"'
        .data | (.[1] | to_entries[] | .key as $id | "now: \($id) = \(.value.data | show($units[$id]))"),
                (.[2] | to_entries[] | "now: \(.key) = (\(.value))")'

# From the messages of the bus, jq makes lines: session, event, words. It keeps columns, texts and faults by session.
exec {events}< <(jq -rn --unbuffered --argjson units "$units" "$show"'
    foreach inputs as {$member, payload: {data: [$session, $a, $b, $c]}} ({};
        if $member == "NameOwnerChanged" then {}
        elif $member != "Changed" then .
        elif $a != [] then .["\($session)"] = {columns: $a, texts: $b, faults: $c}
        else .["\($session)"] |= (.texts += $b | .faults += $c) end;
        .["\($session)"] as {$columns, $texts, $faults}
        | if $member == "NameOwnerChanged" then select($a != "") | ["bus", "gone"]
        elif $member == "Changed" then select($a != []) | [$session, "columns"] + $a
        elif $member == "Ended" then [$session, "ended", $a]
        elif $member == "Sampled" and $columns then [$session, "frame"] + [range($columns | length) as $i
            | $columns[$i] as $id
            | "\($id) = \($b[$i] | if . then show($units[$id])
                elif $faults[$id] // "" != "" then "(\($faults[$id]))" else $texts[$id] // "(stale)" end)"]
        else empty end | @tsv)' <&"${COPROC[0]}")

start
while [ $frames -lt 5 ] && IFS=$'\t' read -r number event words <&"$events"; do
    if [ "$event" = gone ]; then # the service, and its sessions with it
        echo 'the service has gone: starting again'
        start
    elif [ "$number" = "$session" ]; then # and not another detached one
        case $event in
            columns) echo "columns: ${words//$'\t'/ }" ;;
            frame) frames=$((frames + 1)) && echo "frame $frames: ${words//$'\t'/$'\n'frame $frames: }" ;;
            ended) [ "$words" = stopping ] || { echo "the session has ended: $words" >&2 && exit 1; } ;;
        esac
    fi
done
[ $frames -eq 5 ] || { echo 'the bus has gone' >&2 && exit 1; }
