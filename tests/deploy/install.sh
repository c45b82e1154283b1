# Runs $BLOCKS, the blocks of docs/operations/install.md, in a machine of their own: a mount namespace
# with copies of /etc, /opt, /usr/local and /var, and a network namespace. systemd is not there: what
# it would do for these units is done in its place. Packages come from this environment.
set -eu
mount -t tmpfs tmpfs /mnt
for place in etc opt usr/local var; do
  layer=/mnt/layers/$place
  mkdir -p "$layer/upper" "$layer/work"
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=$layer/upper,workdir=$layer/work" "/$place"
done
ip link set lo up
mkdir -p /mnt/bin /mnt/python /mnt/packages /etc/nginx/tls /etc/nginx/conf.d
mount --bind "$PYTHON" /mnt/python
mount --bind "$PACKAGES" /mnt/packages
rm -f /etc/nginx/sites-enabled/*
cp "$TLS"/*.pem "$TLS"/*.key /etc/nginx/tls

cat > /mnt/bin/systemctl <<'END'
#!/bin/sh
case "$*" in
  *"--now gateway.service"*)
    cd /var/lib/gateway
    start=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/gateway.service)
    setsid runuser -u gateway -- $start >/mnt/said 2>&1 &
    until grep -q 'Try it' /mnt/said; do sleep 0.05; done ;;
  *"reload nginx"*) nginx ;;
  *"reload gateway"* | *--signal=HUP*) pkill -HUP -u gateway -f 'gateway serve' ;;
esac
END
printf '#!/bin/sh\n' > /mnt/bin/apt-get
chmod +x /mnt/bin/*
export LD_LIBRARY_PATH=/mnt/python/lib
export PATH=/mnt/bin:/mnt/python/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PIP_NO_INDEX=1 PIP_IGNORE_INSTALLED=1 PIP_QUIET=1
end() { pkill -u gateway -f 'gateway serve' || true; nginx -s stop 2>/dev/null || true; }
trap end EXIT
. "$BLOCKS"
grep -c . /var/log/gateway/gateway.log
ls -l /etc/gateway/config.toml /var/lib/gateway /var/backups/gateway /var/log/gateway
