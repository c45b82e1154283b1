# What the reader of docs/operations/install.md would look at between its sections.

setting() { sed -n "s/^$1 = \"\([^\"]*\)\".*/\1/p" /etc/gateway/config.toml | head -n 1; }
shown() { sed -n "s/^$1//p" /mnt/said/said | tail -n 1; }
asked() { curl --silent --output /mnt/answer --write-out '%{http_code}\n' "$@"; }
web() {
  asked --cacert /etc/nginx/tls/loyalty.example.com.pem \
    --resolve loyalty.example.com:443:127.0.0.1 -H "apikey: $1" -H "secretkey: $2" \
    -H 'content-type: application/json' -d '{"customerId": "c-'"$3"'"}' \
    https://loyalty.example.com/api/v4.1/integrations/customers
}
operator() { asked -H "Authorization: Bearer $1" "http://127.0.0.1:8081/admin/v1/$2"; }
found() {
  operator "$(cat /etc/gateway/admin-token)" "profiles?customer_id=c-$1"
  grep --count "c-$1" /mnt/answer || true
}

# The settings of a shop.
own_settings() {
  cat >> /etc/gateway/config.toml <<'CRM'

[[webhook]]
name = "crm"
url = "https://crm.example.com/hooks"
secret_file = "/etc/gateway/webhook-crm"
events = ["profile.created"]
CRM
  openssl rand -hex 32 |
    install -o gateway -g gateway -m 0600 /dev/stdin /etc/gateway/webhook-crm
}

# An alert takes a second here, not minutes.
hasten() {
  sed -i 's/for: 1m$/for: 0s/' /etc/prometheus/gateway-alerts.yaml
  sed -i 's/: 15s/: 1s/' /etc/prometheus/prometheus.yml
  printf 'global: {evaluation_interval: 1s}\n' >> /etc/prometheus/prometheus.yml
}

installed() {
  api=$(setting api_key) secret=$(setting secret_key)
  shared=$(cat /etc/gateway/admin-token) ann=gw_operator_$(shown gw_operator_)
  echo "-- installed: $(web "$api" "$secret" early) $(operator "$shared" overview)" \
    "$(operator "$ann" overview)"
  systemctl show --property=User,NRestarts gateway.service
  grep -E '^(Seccomp|NoNewPrivs|CapBnd):' \
    "/proc/$(systemctl show --value --property=MainPID gateway.service)/status"
}
backed_up() {
  echo "-- backed up:" $(web "$api" "$secret" late) $(found early) $(found late)
}
restored() {
  echo "-- restored:" $(found early) $(found late) $(web "$api" "$secret" early)
}
rotated() {
  echo "-- old secrets: $(web "$api" "$secret" early) $(operator "$shared" overview)" \
    "$(operator "$ann" overview)"
  echo "-- new secrets: $(web "$(shown 'APIKey: ')" "$(shown 'SecretKey: ')" early)" \
    "$(operator "$(cat /etc/gateway/admin-token)" overview)" \
    "$(operator "gw_operator_$(shown gw_operator_)" overview)"
}
ended() {
  grep -h '"config_reloaded"' /var/log/gateway/*
  ls -l /etc/gateway/config.toml /var/backups/gateway /var/log/gateway
  systemctl is-active gateway nginx gateway-backup.timer gateway-audit.timer
  systemctl stop gateway.service
  echo "-- stopped: $(systemctl show --value --property=Result gateway.service)"
}
