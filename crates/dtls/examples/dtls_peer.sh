#!/bin/bash
# Shakes hands with OpenSSL and GnuTLS over loopback, in both roles, and compares keying material and data.
#   cargo build -p sendrecv-dtls --example dtls_peer && crates/dtls/examples/dtls_peer.sh PATH/TO/dtls_peer
# Prints a line per case and fails if one does.
peer=$(realpath "$1") || exit 2
dir=$(mktemp -d) && cd "$dir" || exit 2
trap 'rm -rf "$dir"' EXIT
port=$((20000 + RANDOM % 20000))
failures=0
srtp="-use_srtp SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80 -keymatexport EXTRACTOR-dtls_srtp -keymatexportlen 60"

for kind in "ec -pkeyopt ec_paramgen_curve:P-256" rsa:2048; do
    name=${kind%%[: ]*}
    openssl req -x509 -newkey $kind -nodes -days 2 -subj /CN=x -keyout "$name.key" -out "$name.pem" 2>/dev/null
    openssl x509 -in "$name.pem" -outform der -out "$name.der"
    openssl pkcs8 -topk8 -nocrypt -in "$name.key" -outform der -out "$name.p8"
done
fingerprint() { echo "sha-256 $(openssl x509 -in "$1.pem" -noout -fingerprint -sha256 | cut -d= -f2)"; }

# verdict NAME THEIRS: compares the keying material in ours.log and theirs.log.
verdict() {
    local ours theirs
    ours=$(sed -n 's/^exporter //p' ours.log)
    theirs=$(grep -io 'key\(ing\)\? material: [0-9a-f]*' theirs.log | grep -o '[0-9a-fA-F]*$' | tr a-f A-F)
    if [ -n "$ours" ] && { [ -z "$2" ] || [ "$ours" = "$theirs" ]; } && grep -q '^received hello' ours.log; then
        echo "ok    $1: $(grep ^connected ours.log)"
    else
        echo "FAIL  $1"; sed 's/^/      /' ours.log; tail -3 theirs.log; failures=$((failures + 1))
    fi
}

# openssl_server NAME KIND "OUR OPTIONS" "OPENSSL OPTIONS": we are the client.
openssl_server() {
    port=$((port + 1))
    (sleep 1; echo "hello from openssl"; sleep 1) | timeout 5 openssl s_server -dtls1_2 -accept 127.0.0.1:$port \
        -cert $2.pem -key $2.key $srtp -Verify 1 -verify_quiet $4 >theirs.log 2>&1 &
    sleep 0.4
    timeout 6 "$peer" client 127.0.0.1:$port --expect "$(fingerprint $2)" --seconds 4 $3 >ours.log 2>&1
    wait; verdict "client of openssl, $1" material
}

# openssl_client: the same with us as the server.
openssl_client() {
    port=$((port + 1))
    timeout 6 "$peer" server 127.0.0.1:$port --expect "$(fingerprint $2)" --seconds 4 $3 >ours.log 2>&1 &
    sleep 0.3
    (sleep 1; echo "hello from openssl"; sleep 1) | timeout 5 openssl s_client -dtls1_2 -connect 127.0.0.1:$port \
        -cert $2.pem -key $2.key $srtp $4 >theirs.log 2>&1
    wait; verdict "server of openssl, $1" material
}

gnutls_srtp="--srtp-profiles SRTP_AES128_CM_HMAC_SHA1_80"
gnutls_server() {
    port=$((port + 1))
    timeout 5 gnutls-serv --udp --echo -p $port --x509certfile ec.pem --x509keyfile ec.key $gnutls_srtp -r -q $3 >theirs.log 2>&1 &
    local server=$!
    sleep 0.4
    timeout 6 "$peer" client 127.0.0.1:$port --expect "$(fingerprint ec)" --seconds 4 $2 >ours.log 2>&1
    kill $server; wait; verdict "client of gnutls, $1" ""
}
gnutls_client() {
    port=$((port + 1))
    timeout 6 "$peer" server 127.0.0.1:$port --expect "$(fingerprint ec)" --seconds 4 $2 >ours.log 2>&1 &
    sleep 0.3
    (sleep 1; echo "hello from gnutls"; sleep 1) | timeout 5 gnutls-cli --udp -p $port --insecure --x509certfile ec.pem \
        --x509keyfile ec.key $gnutls_srtp --keymatexport=EXTRACTOR-dtls_srtp --keymatexportsize=60 127.0.0.1 $3 >theirs.log 2>&1
    wait; verdict "server of gnutls, $1" material
}

for cipher in AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305; do
    for direction in openssl_server openssl_client; do
        $direction "ECDSA $cipher" ec "" "-cipher ECDHE-ECDSA-$cipher"
        $direction "RSA $cipher" rsa "--certificate rsa.der --key rsa.p8" "-cipher ECDHE-RSA-$cipher"
    done
done
# In DTLS 1.2 the client's groups must have the certificate's curve too, so P-256 stays in every list.
for group in 0017 0018 001d; do
    openssl_server "group $group" ec "--group $group,0017" "-groups X25519:P-384:P-256"
    openssl_client "group $group" ec "--group $group" "-groups X25519:P-384:P-256"
done
openssl_server "MTU 256" ec "--mtu 256" "-mtu 256"
openssl_client "MTU 256" ec "--mtu 256" "-mtu 256"
openssl_client "cookie" ec "--cookie" ""
openssl_server "SRTP profile 1" ec "--srtp 0001" ""
if command -v gnutls-cli >/dev/null; then
    gnutls_server "defaults" "" ""
    gnutls_server "MTU 256" "--mtu 256" "--mtu 300"
    gnutls_client "defaults" "" ""
    gnutls_client "cookie" "--cookie" ""
fi
exit $((failures > 0))
