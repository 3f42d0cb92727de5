# Builds the program and the plugins with nothing but Docker; what it made is in /out.

FROM rust:1.95-bookworm
WORKDIR /src
COPY . .
RUN sh plugins/build.sh \
    && cargo build --locked --release --package ringwright \
    && mkdir -p /out/plugins \
    && cp target/release/ringwright /out/ \
    && cp plugins/dist/*.wasm /out/plugins/
