# The command with all features, such as an emulator for a test environment:
#   docker run -p 8321:8321 IMAGE emulator --host 0.0.0.0 --port 8321
# Not built by .ci/run.
FROM rust:1-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
RUN cargo install cargo-auditable@0.7.7 --locked
WORKDIR /src
COPY . .
ARG BUILD=image
RUN CLOUDAUTH_BUILD="$BUILD" CARGO_PROFILE_RELEASE_STRIP=symbols \
    cargo auditable build --release --locked --package cloudauth-cli --features full

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/cloudauth /usr/local/bin/cloudauth
ENTRYPOINT ["/usr/local/bin/cloudauth"]
