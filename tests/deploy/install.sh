# Runs $STORY in a machine of its own, booted by Debian's systemd: every file is a layer over this
# machine's, and processes, network, names and control groups are its own. Nothing that the machine
# does reaches this one. What the story says is in $SAID, and its exit code is this script's.
set -eu

if [ "${1:-}" != inside ]; then
  mount -t cgroup2 cgroup2 /mnt
  group=/mnt/gateway-machine-$$
  mkdir "$group"
  echo $$ > "$group/cgroup.procs"
  code=0
  setpriv --pdeathsig KILL unshare --kill-child --mount --net --pid --fork --cgroup --ipc --uts sh "$0" inside || code=$?
  echo $$ > /mnt/cgroup.procs
  find "$group" -depth -type d -exec rmdir {} +
  exit $code
fi

mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root /mnt/written /mnt/writing
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
checkout=$PWD
cd /mnt/root
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch dev/$device
  mount --bind /dev/$device dev/$device
done
ln -s null dev/console
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for place in dev/shm tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs $place; done
for place in run mnt; do mount -t tmpfs -o mode=755 tmpfs $place; done
mkdir -p ".$checkout"
mount -t overlay -o "lowerdir=$checkout,upperdir=/mnt/written,workdir=/mnt/writing" overlay ".$checkout"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup

mkdir -p mnt/bin mnt/python mnt/packages mnt/said etc/nginx/tls
mount --bind "$PYTHON" mnt/python
mount --bind "$PACKAGES" mnt/packages
mount --bind "$SAID" mnt/said
cp "$STORY" mnt/story
cp "$TLS"/*.pem "$TLS"/*.key etc/nginx/tls
rm -f etc/nginx/sites-enabled/*
echo /mnt/python/lib > etc/ld.so.conf.d/python.conf
: > etc/fstab
chroot . ldconfig
# Debian starts a service when its package is installed.
cat > mnt/bin/apt-get <<'END_OF_STUB'
#!/bin/sh
for service in nginx prometheus; do
  case " $* " in *" $service "*) systemctl start $service ;; esac
done
END_OF_STUB
chmod +x mnt/bin/apt-get
cat > etc/systemd/system/story.service <<END_OF_UNIT
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
TimeoutStartSec=infinity
WorkingDirectory=$checkout
Environment=PATH=/mnt/bin:/mnt/python/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Environment=PIP_NO_INDEX=1 PIP_IGNORE_INSTALLED=1 PIP_QUIET=1
Environment=HOME=/root LC_ALL=C.UTF-8
ExecStart=/bin/sh -eux /mnt/story
StandardOutput=file:/mnt/said/said
StandardError=inherit
END_OF_UNIT

mkdir before
mount --make-rprivate /
pivot_root . before
umount --lazy /before
ip link set lo up
# A container may not load modules, set the clock or reboot: it shares the kernel.
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set -sys_boot,-sys_module,-sys_rawio,-sys_time \
  /lib/systemd/systemd --system --unit=story.service --log-target=journal --show-status=no
