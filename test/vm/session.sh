#!/bin/bash
# Runs /run/guest/command as on a host that has just been started, and tells its exit status.
. /run/guest/environment # VERSION MODULES FOLDER PATH, and what the command is to have
export PATH HOME=/root TERM=dumb LANG=C.UTF-8

mkdir -p /dev/pts /dev/shm "/lib/modules/$VERSION" /var/tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount --bind "$MODULES" "/lib/modules/$VERSION"
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/netns
ip link set lo up
hostname "guest-$VERSION"
modprobe -a tun veth

# The ports have names, but no udev makes links of them.
port() { grep -lx "tcpscope.$1" /sys/class/virtio-ports/*/name | sed 's,/sys/class/virtio-ports/\(.*\)/name,/dev/\1,'; }
status=$(port status)
cd "$FOLDER" || exit
bash /run/guest/command </dev/null >"$(port out)" 2>"$(port err)"
echo $? >"$status"
sync
busybox poweroff -f
