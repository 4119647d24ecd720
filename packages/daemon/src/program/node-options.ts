import { words } from './options.ts';

/** The options of Node 20 to 24, as `node --help` has them; a test compares them with the Node at hand. */

/** Those that take a value. */
export const nodeValues: ReadonlySet<string> = words(`
  --allow-fs-read --allow-fs-write --build-snapshot-config --conditions --cpu-prof-dir
  --cpu-prof-interval --cpu-prof-name --debug-port --diagnostic-dir --disable-proto --disable-warning
  --dns-result-order --env-file --env-file-if-exists --es-module-specifier-resolution --eval
  --experimental-config-file --experimental-default-type
  --experimental-loader --experimental-package-map --experimental-policy --experimental-sea-config
  --experimental-specifier-resolution --experimental-test-isolation --experimental-test-tag-filter
  --heap-prof-dir --heap-prof-interval --heap-prof-name --heapsnapshot-near-heap-limit
  --heapsnapshot-signal --http-parser --icu-data-dir --import --input-type --inspect-port
  --inspect-publish-uid --loader --localstorage-file --max-http-header-size
  --max-old-space-size-percentage --network-family-autoselection-attempt-timeout --openssl-config
  --policy-integrity --redirect-warnings --report-dir --report-directory --report-filename
  --report-signal --require --run --secure-heap --secure-heap-min --snapshot-blob --test-concurrency
  --test-coverage-branches --test-coverage-exclude --test-coverage-functions --test-coverage-include
  --test-coverage-lines --test-global-setup --test-isolation --test-name-pattern --test-random-seed
  --test-reporter --test-reporter-destination --test-rerun-failures --test-shard --test-skip-pattern
  --test-timeout --title --tls-cipher-list --tls-keylog --trace-event-categories
  --trace-event-file-pattern --trace-require-module --unhandled-rejections --use-largepages
  --v8-pool-size --watch-kill-signal --watch-path -C -e -pe -r
`);

/** Those that take none, but for `--no-…`, which never does. Of V8's, whose values follow `=`, the common ones. */
export const nodeFlags: ReadonlySet<string> = words(`
  --abort-on-uncaught-exception --addons --allow-addons --allow-child-process --allow-inspector
  --allow-natives-syntax --allow-openssl-store --allow-wasi --allow-worker --build-snapshot --check
  --completion-bash --cpu-prof --deprecation --disable-sigusr1 --disable-wasm-trap-handler
  --disallow-code-generation-from-strings --enable-etw-stack-walking --enable-fips
  --enable-network-family-autoselection --enable-source-maps --entry-url --experimental-addon-modules
  --experimental-default-config-file --experimental-detect-module --experimental-eventsource
  --experimental-fetch --experimental-import-meta-resolve --experimental-import-text
  --experimental-inspector-network-resource --experimental-json-modules --experimental-network-imports
  --experimental-network-inspection --experimental-permission --experimental-print-required-tla
  --experimental-require-module --experimental-shadow-realm --experimental-sqlite
  --experimental-storage-inspection --experimental-stream-iter --experimental-strip-types
  --experimental-test-coverage --experimental-test-module-mocks --experimental-transform-types
  --experimental-vm-modules --experimental-wasm-modules --experimental-websocket
  --experimental-webstorage --experimental-worker-inspection --expose-gc --expose_gc
  --force-context-aware --force-fips --force-node-api-uncaught-exceptions-policy --frozen-intrinsics
  --global-search-paths --harmony --heap-prof --help --huge-max-old-generation-size
  --insecure-http-parser --inspect --inspect-brk --inspect-wait --interactive
  --interpreted-frames-native-stack --jitless --lite-mode --node-memory-debug
  --openssl-legacy-provider --openssl-shared-config --optimize-for-size --pending-deprecation
  --permission --permission-audit --preserve-symlinks --preserve-symlinks-main --prof --prof-process
  --report-compact --report-exclude-env --report-exclude-network --report-on-fatalerror
  --report-on-signal --report-uncaught-exception --test --test-force-exit --test-only --test-randomize
  --test-update-snapshots --throw-deprecation --tls-max-v1.2 --tls-max-v1.3 --tls-min-v1.0
  --tls-min-v1.1 --tls-min-v1.2 --tls-min-v1.3 --trace-atomics-wait --trace-deopt --trace-deprecation
  --trace-env --trace-env-js-stack --trace-env-native-stack --trace-exit --trace-gc --trace-gc-verbose
  --trace-opt --trace-promises --trace-sigint --trace-sync-io --trace-tls --trace-uncaught
  --trace-warnings --track-heap-objects --use-bundled-ca --use-env-proxy --use-openssl-ca --use-strict
  --use-system-ca --v8-options --version --warnings --watch --watch-preserve-output
  --zero-fill-buffers -c -h -i -v
`);
