#!/bin/sh
# Starts a Dovecot and an Exim on loopback, in a temporary folder, and prints the
# variables of the interop test. Ends them when it is ended. See README.md.
set -eu
[ "$(id -u)" = 0 ] || { echo "Dovecot and Exim change to another user for each mailbox, so this needs root" >&2; exit 1; }
for program in dovecot doveconf exim4 openssl; do
	command -v $program >/dev/null || { echo "$program is missing: apt-get install dovecot-imapd exim4-daemon-light openssl" >&2; exit 1; }
done
port=${1:-14143} # and the three after it
imaps=$((port + 1)) smtp=$((port + 2)) smtps=$((port + 3))
dir=$(mktemp -d /tmp/parley-mail.XXXXXX)
chmod 755 "$dir"
mkdir -p "$dir/mail" "$dir/spool" "$dir/run" "$dir/state"
# Exim gives up root where it is told of another configuration, so one user has it all.
chown Debian-exim:Debian-exim "$dir/mail" "$dir/spool"
uid=$(id -u Debian-exim) gid=$(id -g Debian-exim)

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
cp "$dir/key.pem" "$dir/exim.pem"
chown Debian-exim "$dir/exim.pem"
chmod 600 "$dir/key.pem" "$dir/exim.pem"

password=interop-$(openssl rand -hex 6)
for who in town bea; do
	echo "$who@interop.test:{PLAIN}$password:$uid:$gid::$dir/mail/$who::"
done > "$dir/users"
chmod 644 "$dir/users"

cat > "$dir/dovecot.conf" <<CONF
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <$dir/cert.pem
ssl_key = <$dir/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:%h/Maildir
first_valid_uid = $uid
first_valid_gid = $gid
passdb {
  driver = passwd-file
  args = username_format=%u $dir/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $dir/users
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
  mailbox Drafts {
    auto = create
    special_use = \Drafts
  }
}
service imap-login {
  inet_listener imap {
    port = $port
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
CONF

cat > "$dir/exim.conf" <<CONF
primary_hostname = mx.interop.test
spool_directory = $dir/spool
log_file_path = $dir/spool/%slog
daemon_smtp_ports = $smtp : $smtps
local_interfaces = 127.0.0.1
tls_on_connect_ports = $smtps
tls_advertise_hosts = *
tls_certificate = $dir/cert.pem
tls_privatekey = $dir/exim.pem
message_size_limit = 12M
acl_smtp_rcpt = rcpt
acl_smtp_data = data
qualify_domain = interop.test
disable_ipv6
deliver_drop_privilege
begin acl
rcpt:
  deny !authenticated = *
       message = 5.7.1 sign in first
  defer local_parts = grey
       message = 4.7.1 Greylisted, please come back in 00:05:00
  deny local_parts = nobody
       message = 5.1.1 no such mailbox here
  accept
data:
  deny condition = \${if match{\$h_subject:}{refuse me}}
       message = 5.7.1 this looks like spam
  accept
begin routers
lost:
  driver = redirect
  local_parts = lost
  data = :fail: the mailbox is gone
  allow_fail
here:
  driver = accept
  domains = interop.test
  local_parts = town : bea
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = $dir/mail/\$local_part_data/Maildir
  maildir_format
  create_directory
  return_path_add
  delivery_date_add
begin retry
* * F,1h,10m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth3}{$password}}{match{\$auth2}{@interop.test}}}}
  server_set_id = \$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = \${if and{{eq{\$auth2}{$password}}{match{\$auth1}{@interop.test}}}}
  server_set_id = \$auth1
CONF

dovecot -F -c "$dir/dovecot.conf" & d=$!
exim4 -C "$dir/exim.conf" -bdf -q5s & e=$!
trap 'kill $d $e 2>/dev/null; wait; rm -rf "$dir"' EXIT INT TERM

cat <<ENV
export PARLEY_INTEROP_EMAIL=127.0.0.1:$port
export PARLEY_INTEROP_EMAIL_SMTP=127.0.0.1:$smtp
export PARLEY_INTEROP_EMAIL_TLS=localhost:$imaps,localhost:$smtps
export PARLEY_INTEROP_EMAIL_CA=$dir/cert.pem
export PARLEY_INTEROP_EMAIL_A=town@interop.test
export PARLEY_INTEROP_EMAIL_B=bea@interop.test
export PARLEY_INTEROP_EMAIL_PASSWORD=$password
# $(dovecot --version | cut -d' ' -f1), $(exim4 -bV | head -1)
# ready
ENV
wait
