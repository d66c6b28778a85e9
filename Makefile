# make run      set up, build, and show a street with boxes and counts in the browser
# make test     set up, build, and run every test
# make build    leave bin/pantau
# make bench    what each stage costs, beside a peer in the same run
# make train    the street detector, from pictures to ONNX (inference/models/training)
# make accuracy count in all clips with a truth, and write docs/accuracy.md
# make streets  count in 600 simulated streets of each kind (docs/accuracy-in-simulation.md)
# make lint     vet, golangci-lint, svelte-check
# make fuzz     every fuzz target, for FUZZTIME each
# make clean    remove what was built; make distclean also what was downloaded

SHELL := /bin/sh
WEB := sidecar/console/web
LIB := lib/pantau/libonnxruntime.so.1
DEMO := share/pantau/demo.mp4
PAGE := $(WEB)/dist/index.html
LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
FUZZTIME ?= 20s
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOSOURCES := $(shell find . -name node_modules -prune -o -name '*.go' -print -o -name '*.[ch]' -print -o -name '*.json' -path '*/schemas/*' -print \
	-o -path './inference/models/*' \( -name '*.yaml' -o -name '*.onnx' -o -name '*.md' \) -print) go.mod go.sum
WEBSOURCES := $(shell find $(WEB) -path $(WEB)/node_modules -prune -o -path $(WEB)/dist -prune -o -type f -print)

.PHONY: run test build setup-build setup-run setup-test bench accuracy streets train lint fuzz clean distclean
.DELETE_ON_ERROR:

run: setup-run build $(DEMO)
	@exec bin/pantau demo $(ARGS)

build: setup-build bin/pantau $(LIB)

test: setup-test build $(DEMO)
	go vet ./...
	PANTAU_TEST_ALL=1 go test -race -timeout 30m ./...
	cd $(WEB) && npm test

setup-build:
	@setup/debian build
setup-run:
	@setup/debian run
setup-test:
	@setup/debian test

bin/pantau: $(GOSOURCES) $(PAGE) | setup-build
	@echo "building bin/pantau"
	@go build -trimpath -ldflags '-X main.version=$(VERSION)' -o $@ ./sidecar/cmd/pantau

$(LIB): setup/onnxruntime/package-lock.json setup/onnxruntime/fetch
	@setup/onnxruntime/fetch

$(DEMO): setup/demo | setup-run
	@setup/demo

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json
	@echo "getting the page's packages from npm"
	@cd $(WEB) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.installed

$(PAGE): $(WEB)/node_modules/.installed $(WEBSOURCES)
	@echo "building the page"
	@cd $(WEB) && npm run --silent build -- --logLevel warn

bench: setup-run build $(DEMO)
	@cd setup/onnxruntime && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@bin/pantau bench $(ARGS)

train:
	$(MAKE) -C inference/models/training train

accuracy: setup-run build $(DEMO)
	@bin/pantau accuracy --clips ../shared/videos --models-from ../shared/models --cache var/accuracy --out docs/accuracy.md --pictures docs/images/accuracy $(ARGS)

streets:
	PANTAU_STREETS=600 go test -v -timeout 4h -run 'Streets|Sight|Twice' ./sidecar/internal/street

lint: $(PAGE)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these files"; exit 1; }
	go vet ./...
	go run $(LINT) run ./...
	cd $(WEB) && npm run --silent check

fuzz:
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

clean:
	rm -rf bin $(WEB)/dist/assets $(WEB)/dist/index.html

distclean: clean
	rm -rf lib share $(WEB)/node_modules setup/onnxruntime/node_modules
