# The server. `docker build .` takes the official images and compiles; where they cannot be pulled, name equivalents, and
# a folder below this one with what was built already (ci/compose-test does that):
#   --build-arg BUILD_IMAGE=… --build-arg RUNTIME_IMAGE=… --build-arg PACKAGES= --build-arg PREBUILT=dist
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG PREBUILT=
WORKDIR /source
COPY . .
RUN mkdir /out; \
    if [ -n "$PREBUILT" ]; then cp -a "$PREBUILT"/. /out/; exit; fi; \
    apt-get update \
    && apt-get install -y --no-install-recommends \
        libhiredis-dev libpq-dev libseccomp-dev libsqlite3-dev pkg-config zlib1g-dev \
    && swift build -c release --static-swift-stdlib -Xlinker -s --product invok-core \
    && cp "$(swift build -c release --static-swift-stdlib -Xlinker -s --show-bin-path)/invok-core" /out/

FROM ${RUNTIME_IMAGE}
ARG PACKAGES="ca-certificates esbuild libhiredis0.14 libjs-codemirror libpq5 libseccomp2 libsqlite3-0 zlib1g"
RUN [ -z "$PACKAGES" ] || { apt-get update && apt-get install -y --no-install-recommends $PACKAGES \
    && rm -rf /var/lib/apt/lists/*; }
COPY --from=build /out/ /usr/local/lib/invok/
ENV SERVER_HOST=0.0.0.0 SERVER_PORT=3000 INVOK_CONSOLE_ADDRESS=0.0.0.0:3001 INVOK_ENGINE=docker INVOK_DATA_DIR=/var/lib/invok
EXPOSE 3000 3001
STOPSIGNAL SIGTERM
# Asks the server itself, by bash, which the image has anyhow; where it speaks TLS, by openssl, which ca-certificates needs.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["bash", "-c", \
    "ask() { printf 'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n'; }; if [ -n \"$INVOK_TLS_CERT\" ]; then read -r _ status _ < <(ask | openssl s_client -quiet -connect 127.0.0.1:$SERVER_PORT 2>/dev/null); else exec 3<>/dev/tcp/127.0.0.1/$SERVER_PORT && ask >&3 && read -r _ status _ <&3; fi; [ \"$status\" = 200 ]"]
# Whoever may use Docker's socket is root on the host in all but name, so the default user is not pretended to be less.
# Where the socket belongs to a group, another user of that group will do: --user 1000:GROUP.
ENTRYPOINT ["/usr/local/lib/invok/invok-core"]
