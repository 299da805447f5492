import { fileURLToPath } from 'node:url'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { build } from 'esbuild'
import { exportJWK, generateKeyPair } from 'jose'
import { defineConfig } from 'vitest/config'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Every run signs with keys of its own: the Workers under test trust the public one, the tests hold the private one. */
const signer = await makeSigner()

// wrangler takes the secrets that a configuration requires from here.
process.env['ID_CHECK_SECRET'] = 'check-secret-of-the-tests'
process.env['ETAG_SECRET'] = 'etag-secret-of-the-tests'
process.env['STREAM_SECRET'] = 'stream-secret-of-the-tests-0123456789'

const hubBindings = { TRUSTED_KEYS: JSON.stringify([signer.publicJwk]) }
const testBindings = { SIGNING_KEY: JSON.stringify(signer.privateJwk) }

/** These start the whole product, and go one after another. */
const wholeSystem = ['test/**/*.test.ts', 'dev/main.test.ts', 'dev/workers.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['{shared,sdk,workers/control,cli,dev}/**/*.test.{ts,tsx}'],
          exclude: wholeSystem,
          // Slow is no failure: a machine may be busy.
          testTimeout: 30_000,
          // One Postgres a run, with a migrated database to copy from.
          globalSetup: ['./dev/test-postgres.ts'],
        },
      },
      {
        test: { name: 'hub', include: ['workers/hub/**/*.test.ts'] },
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './workers/hub/wrangler.toml' },
            miniflare: { bindings: { ...hubBindings, ...testBindings } },
          }),
        ],
      },
      {
        test: { name: 'edge', include: ['workers/edge/**/*.test.ts'] },
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: './workers/edge/wrangler.toml' },
            miniflare: {
              bindings: { ...hubBindings, ...testBindings },
              serviceBindings: { HUB_PUBLISH: { name: 'halyard-hub', entrypoint: 'HubPublish' } },
              workers: [await hubWorker()],
            },
          })),
        ],
      },
      {
        test: {
          name: 'system',
          include: wholeSystem,
          globalSetup: ['./dev/test-run.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})

async function makeSigner() {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = 'test-1'
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid },
    privateJwk: { ...(await exportJWK(privateKey)), kid },
  }
}

/** The hub as it is deployed, beside the edge under test. */
async function hubWorker() {
  const bundle = await build({
    entryPoints: [here('./workers/hub/main.ts')],
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    write: false,
  })
  return {
    name: 'halyard-hub',
    modules: true,
    script: bundle.outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-09-18',
    durableObjects: {
      ENVIRONMENTS: { className: 'EnvironmentHub', useSQLite: true },
      RELAYS: { className: 'StreamRelay', useSQLite: true },
    },
    kvNamespaces: { SNAPSHOTS: 'halyard-snapshots' },
    bindings: hubBindings,
  }
}
