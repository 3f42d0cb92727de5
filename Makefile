# The commands of the project; `make` alone lists them.

.PHONY: help run up observe down down-all logs ps images plugins plugins-extra test test-docker lint bench
.PHONY: bench-recovery bench-plugins bench-cost experiments screenshots recording clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

run: plugins cargo  ## run the balancer and its servers, with a sample of students
	@cargo build --quiet --release --package ringwright
	@exec ./target/release/ringwright serve --demo

up: images  ## run it for real: containers, each with a Postgres and a volume of its own
	@sh docker/deploy.sh up

observe: images  ## the same, watched by Prometheus and Grafana
	@sh docker/deploy.sh observe

down:  ## stop and remove the containers; the data stays
	@sh docker/deploy.sh down

down-all:  ## the same, and delete the data
	@sh docker/deploy.sh down-all

logs:  ## follow what the containers say
	@sh docker/deploy.sh logs

ps:  ## list the containers
	@sh docker/deploy.sh ps

images:  ## build the images, with the Rust here or, without one, in a container
	@sh docker/images.sh

plugins: cargo  ## build the plugins into plugins/dist
	@sh plugins/build.sh

plugins-extra: plugins  ## build those in C and Python too, with compilers from PyPI
	@sh plugins/extra/build.sh

test: cargo  ## run all tests; the last line counts them
	@sh .ci/test

test-docker: plugins cargo  ## test what the containers survive, on this machine's Docker engine
	@sh docker/test.sh

recording: plugins cargo  ## run the commands of docs/recording.txt, and draw what a terminal shows
	@cargo build --quiet --release --package ringwright
	@cargo build --quiet --release --package ringwright-bench
	@./target/release/ringwright-bench recording

screenshots: plugins cargo  ## take pictures of the dashboard of a demo, into target/screenshots
	@cargo test --quiet --package ringwright --test dashboard pictures
	@ls target/screenshots/*.png

lint: cargo  ## check formatting, and warnings as errors
	@sh .ci/lint

bench: plugins cargo  ## measure reads and writes, against a shard server asked directly and pgbench
	@cargo build --quiet --release --package ringwright
	@cargo build --quiet --release --package ringwright-bench
	@! docker version >/dev/null 2>&1 || TAG=bench sh docker/images.sh
	@./target/release/ringwright-bench requests

bench-recovery:  ## measure how long a deployment takes to recover from the loss of a server
	@TAG=bench sh docker/images.sh
	@cargo build --quiet --release --package ringwright-bench
	@./target/release/ringwright-bench recovery

bench-plugins: plugins cargo  ## compare the hash functions; the page is in target/bench-plugins
	@cargo build --quiet --release --package ringwright
	@./target/release/ringwright bench-plugins

bench-cost: plugins cargo  ## measure reads by a plugin against reads by its function compiled in
	@cargo build --quiet --release --package ringwright --features native
	@cp target/release/ringwright target/release/ringwright-native
	@cargo build --quiet --release --package ringwright
	@cargo build --quiet --release --package ringwright-bench
	@./target/release/ringwright-bench twin --hash md5 --twin target/release/ringwright-native

experiments: plugins cargo  ## repeat the paper's experiments; the page is in target/experiments
	@cargo build --quiet --release --package ringwright
	@./target/release/ringwright experiment

clean:  ## delete what was built; data stays
	cargo clean
	rm -rf plugins/target plugins/dist

.PHONY: cargo
cargo:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: apt-get install build-essential" >&2; exit 1; }
