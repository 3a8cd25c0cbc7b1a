#!/bin/busybox sh
# First program of a guest: mounts the host's files, read-only, below a file system in memory, and goes there.
busybox=/bin/busybox
for pair in "proc proc" "sysfs sys" "devtmpfs dev"; do
  set -- $pair
  $busybox mount -t "$1" "$1" "/$2"
done
die() {
  echo "tcpscope: $1" >/dev/console
  $busybox poweroff -f
}
for module in /modules/*; do $busybox insmod "$module" || die "cannot load $module"; done
$busybox mount -t virtiofs -o ro root /lower || die "cannot mount the host's files"
$busybox mount -t tmpfs -o size=80% tmpfs /upper
$busybox mkdir /upper/changes /upper/work
$busybox mount -t overlay -o lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work overlay /root ||
  die "cannot mount an overlay"
for folder in proc sys dev; do
  $busybox mkdir -p /root/$folder
  $busybox mount --move /$folder /root/$folder
done
$busybox mkdir -p /root/run
$busybox mount -t tmpfs tmpfs /root/run
$busybox cp -r /guest /root/run/guest
exec $busybox switch_root /root /bin/bash /run/guest/session.sh
