#!/bin/sh
# Installs the few system libraries that npm cannot bring. Says what it installs, installs only what is missing,
# and never fails for want of rights: without them it names what is missing and the caller goes on.
# With the argument `software-gpu` it installs what the tests of the gpu backend run on where there is no gpu.
set -u

# ldconfig lives in a directory that is not on every user's PATH.
libraries=$(PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null) || {
  echo "system libraries: no ldconfig here, so none is looked for (only Linux is set up automatically)"
  exit 0
}
has() { printf '%s\n' "$libraries" | grep -Eq "$1"; }

missing=''
# The pinned Node links against it; a minimal Debian does not have it.
has '^[[:space:]]*libatomic\.so\.1 ' || missing="$missing libatomic1"
# The native backend compiles with LLVM 15 to 22 and multiplies matrices with OpenBLAS.
has '^[[:space:]]*libLLVM(-(1[5-9]|2[0-2])\.so|\.so\.(1[5-9]|2[0-2]))' || missing="$missing libllvm"
has '^[[:space:]]*libopenblas\.so\.0 ' || missing="$missing libopenblas0-pthread"
if [ "${1:-}" = software-gpu ]; then
  # For tests where there is no gpu: the Vulkan loader, and SwiftShader, which Chromium's package brings along.
  has '^[[:space:]]*libvulkan\.so\.1 ' || missing="$missing libvulkan1"
  [ -e /usr/lib/chromium/vk_swiftshader_icd.json ] || missing="$missing chromium-common"
  # And headless GL: an X server without a screen, and Mesa.
  command -v Xvfb >/dev/null 2>&1 || missing="$missing xvfb"
  has '^[[:space:]]*libGLX_mesa\.so\.0 ' || missing="$missing libglx-mesa0"
  has '^[[:space:]]*libGL\.so\.1 ' || missing="$missing libgl1"
fi
[ -n "$missing" ] || exit 0

as_root=''
if [ "$(id -u)" -ne 0 ]; then as_root='sudo -n'; fi
if ! command -v apt-get >/dev/null 2>&1 || ! $as_root true 2>/dev/null; then
  echo "system libraries: missing$missing (libllvm means any of libllvm15 to libllvm22)"
  echo "system libraries: installing them needs apt-get as root; going on without"
  exit 0
fi

echo "system libraries: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt_get() { $as_root apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=120 "$@"; }
# A machine that never updated its lists knows no package; an update that fails may still leave usable lists.
apt_get update || echo "system libraries: apt-get update failed; trying the lists that are here"

packages=''
for name in $missing; do
  if [ "$name" = libllvm ]; then
    for version in 22 21 20 19 18 17 16 15; do
      # Debian renamed the package during the 64-bit time_t transition on some releases.
      for candidate in "libllvm$version" "libllvm${version}t64"; do
        if apt-cache show "$candidate" >/dev/null 2>&1; then name=$candidate && break 2; fi
      done
    done
  fi
  packages="$packages $name"
done
# One at a time, so that one that cannot be had does not keep the others away.
for package in $packages; do
  if apt_get install -y --no-install-recommends "$package" >/dev/null; then
    echo "system libraries: installed $package"
  else
    echo "system libraries: could not install $package; going on without"
  fi
done
