#!/bin/sh
# Makes certificates for tests in the directory $1: NAME.crt, NAME.key, and NAME.chain with what a server sends.
set -eu
cd "$1"
always='20000101000000Z 21500101000000Z'
now='20240101000000Z 20990101000000Z'

cat >ca.cnf <<END
[ca]
default_ca = one
[one]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[ca_ext]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[leaf_ext]
subjectAltName = \$ENV::SAN
[client_ext]
subjectAltName = \$ENV::SAN
extendedKeyUsage = clientAuth
[signer_ext]
subjectAltName = \$ENV::SAN
keyUsage = critical,cRLSign
[fence_ext]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
nameConstraints = critical,permitted;DNS:fenced.test
[root_req]
END
: >index
echo 1000 >serial

issue() { # name from to extensions issuer san digest
    export SAN="$6"
    openssl req -new -config ca.cnf -key "$1.key" -subj "/CN=tillpost test $1" -out "$1.csr"
    if [ "$5" = "$1" ]; then signer='-selfsign'; else signer="-cert $5.crt"; fi
    # shellcheck disable=SC2086 # words
    openssl ca -batch -notext -config ca.cnf -in "$1.csr" -out "$1.crt" -keyfile "$5.key" $signer \
        -startdate "$2" -enddate "$3" -extensions "$4" -md "$7" 2>openssl.log || { cat openssl.log; exit 1; }
}

while read -r name algorithm from to extensions issuer san digest; do
    case $algorithm in
    p256) options='-algorithm EC -pkeyopt ec_paramgen_curve:P-256' ;;
    rsa*) options="-algorithm RSA -pkeyopt rsa_keygen_bits:${algorithm#rsa}" ;;
    esac
    # shellcheck disable=SC2086 # words
    openssl genpkey -out "$name.key" $options 2>openssl.log
    issue "$name" "$from" "$to" "$extensions" "$issuer" "$san" "$digest"
    cat "$name.crt" >"$name.chain"
    case $issuer in middle*) cat "$issuer.crt" >>"$name.chain" ;; esac
done <<END
root           p256    $always                       ca_ext   root           DNS:none       sha256
stranger       p256    $always                       ca_ext   stranger       DNS:none       sha256
middle         p256    $now                          ca_ext   root           DNS:none       sha256
middle_old     p256    20200101000000Z 20200201000000Z ca_ext root           DNS:none       sha256
middle_future  p256    20900101000000Z 20910101000000Z ca_ext root           DNS:none       sha256
good           p256    $now                          leaf_ext middle         DNS:localhost  sha256
rsa            rsa2048 $now                          leaf_ext root           DNS:localhost  sha256
weak           rsa1024 $now                          leaf_ext root           DNS:localhost  sha256
sha1           p256    $now                          leaf_ext root           DNS:localhost  sha1
other          p256    $now                          leaf_ext root           DNS:other.test sha256
untrusted      p256    $now                          leaf_ext stranger       DNS:localhost  sha256
expired        p256    20200101000000Z 20200201000000Z leaf_ext root         DNS:localhost  sha256
future         p256    20900101000000Z 20910101000000Z leaf_ext root         DNS:localhost  sha256
behind_old     p256    $now                          leaf_ext middle_old     DNS:localhost  sha256
behind_future  p256    $now                          leaf_ext middle_future  DNS:localhost  sha256
rsa1536        rsa1536 $now                          leaf_ext root           DNS:localhost  sha256
self           p256    $now                          leaf_ext self           DNS:localhost  sha256
client         p256    $now                          client_ext root         DNS:localhost  sha256
signer         p256    $now                          signer_ext root         DNS:localhost  sha256
middle_weak    rsa1024 $now                          ca_ext   root           DNS:none       sha256
behind_weak    p256    $now                          leaf_ext middle_weak    DNS:localhost  sha256
behind_leaf    p256    $now                          leaf_ext good           DNS:localhost  sha256
middle_fenced  p256    $now                          fence_ext root          DNS:none       sha256
behind_fenced  p256    $now                          leaf_ext middle_fenced  DNS:localhost  sha256
END
