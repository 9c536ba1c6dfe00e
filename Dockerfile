# syntax=docker/dockerfile:1

# What runs needs libc, libm and libgcc_s, and no shell: tests/it/image.rs holds
# it to that, and dev/xtask/tests/it/image.rs holds this file to the rest. Both
# stages are of one Debian, so the C library is the one that was linked against.

# The oldest Rust that may build it (rust-version in Cargo.toml).
ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-bookworm AS build
# The list of dependencies goes into the binary: scanners read it from there.
RUN cargo install --locked --version 0.7.1 cargo-auditable
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo auditable build --release --locked --bin oms-operator \
    && install -D target/release/oms-operator /image/oms-operator

# Has certificate authorities, a user 65532, and nothing to log in with.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/oms-operator /oms-operator
# By number: Kubernetes' runAsNonRoot cannot judge a name.
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/oms-operator"]
CMD ["run"]
