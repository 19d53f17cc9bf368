#!/bin/bash
# systemd.sh BUILD: the .deb of a static build under a real systemd, which boots in an emulated machine of its own:
# tests/systemd_trial.sh tells what is tried there. The machine is a Debian 12 with the kernel and the systemd of the
# release and nginx with TLS before the stand-in, without a network, emulated in software: no /dev/kvm is needed, a boot
# takes half a minute. Needs root, debootstrap, openssl, qemu-system-x86_64 (toolchains/setup --all); 77: they are not
# there. TILLPOST_BARE: where the base system is (see try-bare); the one with kernel and systemd is made beside it.
set -eu
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
bare=${TILLPOST_BARE:-/var/tmp/tillpost-bare}
base=$bare/bookworm.systemd
packages='systemd-sysv dbus ca-certificates initramfs-tools linux-image-cloud-amd64 nginx-light'
disk_size=1500M
memory_mib=512
boot_max_s=900

say() { echo "systemd: $*"; }
fail() {
    say "FAILED: $*"
    exit 1
}
skip() {
    say "skipped: $*"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "chroots need root"
for tool in debootstrap openssl qemu-system-x86_64 mke2fs; do
    PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || skip "$tool is not installed (toolchains/setup --all)"
done
W=$(mktemp -d "${TMPDIR:-/var/tmp}/tillpost-systemd.XXXXXX")
finish() {
    status=$?
    umount -l "$base/dev" "$base/proc" 2>/dev/null || true
    rm -rf "$W"
    exit "$status"
}
trap finish EXIT

cmake --build "$build" --target packages >"$W/build.log" 2>&1 || { cat "$W/build.log" && fail "no packages"; }
deb=$(ls "$build"/packages/tillpost_*.deb)
[ "$(dpkg-deb -f "$deb" Architecture)" = amd64 ] || skip "the machine is an amd64, the package is not"

# Kernel, systemd, what the package depends on, and nginx, which the trial itself starts. Nothing is started while they
# are installed. `ready` says of which packages it was made.
make_base() {
    [ -e "$bare/bookworm.base/ready" ] || "$source/toolchains/try-bare" --base bookworm
    say "making the base"
    rm -rf "$base"
    cp -a "$bare/bookworm.base" "$base"
    rm "$base/ready"
    printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"
    chmod +x "$base/usr/sbin/policy-rc.d"
    mount --bind /dev "$base/dev"
    mount -t proc proc "$base/proc"
    chroot "$base" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive sh -ec "
        apt-get -qq update
        apt-get -qq install -y --no-install-recommends $packages
        apt-get -qq clean" >"$W/apt.log" 2>&1 || { tail -n 20 "$W/apt.log" && fail "no base"; }
    umount -l "$base/dev" "$base/proc"
    rm "$base/usr/sbin/policy-rc.d" "$base/etc/systemd/system/multi-user.target.wants/nginx.service"
    echo "$packages" >"$base/ready"
}
[ "$(cat "$base/ready" 2>/dev/null)" = "$packages" ] || make_base

# A later release with the same content, to upgrade to.
dpkg-deb -R "$deb" "$W/later"
sed -i 's/^Version: .*/Version: 99.0.0/' "$W/later/DEBIAN/control"
dpkg-deb --root-owner-group -b "$W/later" "$W/later.deb" >/dev/null

root=$W/machine
cp -a "$base" "$root"
mkdir -m 700 "$root/trial"
cp "$deb" "$root/trial/first.deb"
cp "$W/later.deb" "$source/tests/systemd_trial.sh" "$root/trial/"
install -m 755 "$build/tests/sandbox/sandbox" "$build/tests/e2e/e2e_tool" "$root/usr/local/bin/"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=tiktok.test" \
    -addext subjectAltName=DNS:tiktok.test -keyout "$root/trial/tiktok.key" -out "$root/trial/tiktok.pem" \
    2>"$W/openssl.log" || { cat "$W/openssl.log" && fail "no certificate"; }
cat >"$root/etc/systemd/system/trial.service" <<'END'
[Unit]
After=multi-user.target
[Service]
ExecStart=/bin/bash /trial/systemd_trial.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=multi-user.target
END
ln -s ../trial.service "$root/etc/systemd/system/multi-user.target.wants/trial.service"
# It would hang up the line that the trial speaks on.
ln -s /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
mke2fs -q -t ext4 -d "$root" "$W/disk" $disk_size
cp "$root"/boot/vmlinuz-* "$W/kernel"
cp "$root"/boot/initrd.img-* "$W/initrd"
rm -rf "$root"

# boot N: until the machine cuts its own power; prints what the trial says.
boot() {
    timeout $boot_max_s qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m $memory_mib \
        -display none -monitor none -serial file:"$W/serial.$1" -nic none -no-reboot -kernel "$W/kernel" \
        -initrd "$W/initrd" -drive "file=$W/disk,format=raw,if=virtio,cache=writeback" \
        -append "root=/dev/vda rw console=ttyS0 quiet panic=-1" </dev/null || say "the machine ended with $?"
    tr -d '\r' <"$W/serial.$1" | grep '^trial: ' || true
    tr -d '\r' <"$W/serial.$1" | grep "^trial: $2\$" >/dev/null || {
        tail -n 60 "$W/serial.$1"
        fail "boot $1"
    }
}
boot 1 "the power is cut"
boot 2 "all is well"
