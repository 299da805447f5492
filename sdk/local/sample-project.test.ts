/** A project's own tests on a file of flags, in a process in which every connection fails. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, type BuildOptions } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'

const entry = (name: string) => fileURLToPath(new URL(`../${name}/index.ts`, import.meta.url))

const files: Readonly<Record<string, string>> = {
  'flags.json': JSON.stringify({
    $schema: './node_modules/@halyard/sdk/flags.schema.json',
    flags: {
      'new-checkout': { enabled: true, variant: 'off', overrides: [{ values: ['tester'], variant: 'on' }] },
      shipping: { enabled: true, variants: { free: 0, paid: 4.9 }, variant: 'paid' },
    },
  }),
  'no-network.mjs': `
    import { Socket } from 'node:net'
    import dns from 'node:dns'
    const refuse = () => { throw new Error('the network is forbidden in tests') }
    Socket.prototype.connect = refuse
    dns.lookup = refuse
    globalThis.fetch = refuse
    globalThis.WebSocket = refuse
  `,
  'checkout.mjs': `
    export function total(flags, user, price) {
      const context = { targetingKey: user }
      const shipping = flags.number('shipping', 10, context)
      return flags.boolean('new-checkout', false, context) ? price : price + shipping
    }
  `,
  'checkout.test.mjs': `
    import assert from 'node:assert'
    import { test } from 'node:test'
    import { createLocalClient } from '@halyard/sdk/local'
    import { createTestClient } from '@halyard/sdk/testing'
    import { total } from './checkout.mjs'

    test('from the file', () => {
      const flags = createLocalClient({ file: 'flags.json' }) // it is not closed: the process ends all the same
      assert.equal(total(flags, 'anybody', 10), 14.9)
      assert.equal(total(flags, 'tester', 10), 10)
    })
    test('from the test', () => {
      const flags = createTestClient({ 'new-checkout': false, shipping: 1 })
      assert.equal(total(flags, 'anybody', 10), 11)
      flags.assertEvaluated('new-checkout')
    })
    test('the network is forbidden', async () => {
      await assert.rejects(async () => await fetch('http://127.0.0.1:1'), /forbidden/)
    })
  `,
}

test('the tests of a sample project pass from a file of flags, with the network forbidden', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-sample-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const own = join(folder, 'node_modules/@halyard/sdk')
  mkdirSync(own, { recursive: true })
  const exports = { './local': './local.mjs', './testing': './testing.mjs' }
  writeFileSync(join(own, 'package.json'), JSON.stringify({ name: '@halyard/sdk', exports }))
  await bundle({ entryPoints: { local: entry('local') }, external: ['node:*'], outdir: own })
  await bundle({ entryPoints: { testing: entry('testing') }, outdir: own })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const args = ['--import', './no-network.mjs', '--test', 'checkout.test.mjs']
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env })
  expect(stdout).toMatch(/pass 3\b[^]*fail 0\b/)
})

test('the client for tests needs no module of Node, so that it runs in browsers', async () => {
  const imports = await importsOf('testing')
  expect(imports.filter((path) => path.startsWith('node:'))).toEqual([])
  expect(await importsOf('local')).toContain('node:fs') // else this would prove nothing
})

async function importsOf(name: string): Promise<string[]> {
  const { metafile } = await bundle({ entryPoints: [entry(name)], external: ['node:*'], write: false })
  return Object.values(metafile?.outputs ?? {}).flatMap(({ imports }) => imports.map(({ path }) => path))
}

function bundle(options: BuildOptions) {
  return build({
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    outExtension: { '.js': '.mjs' },
    outdir: 'nowhere',
    metafile: true,
    ...options,
  })
}
