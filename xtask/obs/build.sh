#!/bin/sh
# OBS Studio with WHIP, in the Debian that xtask/src/obs.rs has made. Debian has OBS but not its part for WHIP, as it has
# no libdatachannel: both are built here, the first out of Debian's source package, the second out of /usr/src/whip.
set -eu
export DEBIAN_FRONTEND=noninteractive
echo "deb-src http://deb.debian.org/debian $1 main" >/etc/apt/sources.list.d/source.list
apt-get -q update
apt-get -q install --yes --no-install-recommends obs-studio obs-plugins xvfb xauth dpkg-dev xz-utils \
	g++ make cmake libobs-dev libssl-dev libcurl4-openssl-dev

cd /usr/src/whip
apt-get -q source --download-only --tar-only obs-studio
tar -xJf obs-studio_*.orig.tar.xz --strip-components=2 --wildcards '*/plugins/obs-webrtc'
cmake -S libdatachannel -B build -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-g0 -DCMAKE_CXX_FLAGS=-g0 \
	-DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_POLICY_VERSION_MINIMUM=3.5 \
	-DNO_WEBSOCKET=ON -DNO_EXAMPLES=ON -DNO_TESTS=ON
cmake --build build --target datachannel-static
g++ -w -std=c++17 -fPIC -shared -Wl,--no-undefined -o obs-webrtc.so obs-webrtc/*.cpp \
	-I/usr/include/obs -Ilibdatachannel/include -DRTC_STATIC \
	build/libdatachannel-static.a build/deps/libjuice/libjuice-static.a \
	build/deps/usrsctp/usrsctplib/libusrsctp.a build/deps/libsrtp/libsrtp2.a \
	-lobs -lcurl -lssl -lcrypto

plugins=$(dirname "$(dpkg -L obs-plugins obs-studio | grep -m 1 '/obs-plugins/obs-x264\.so$')")
install -m 644 obs-webrtc.so "$plugins"
mkdir -p /usr/share/obs/obs-plugins/obs-webrtc
cp -r obs-webrtc/data/* /usr/share/obs/obs-plugins/obs-webrtc
