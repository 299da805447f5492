import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { formatBody, formatLine } from '@halyard/shared/engine/snapshot.ts'
import type { AccessRecord } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { signPublication } from '@halyard/shared/protocol/publication.ts'
import type { Flags } from '../engine/flags.ts'
import { findWorkerd } from './load.ts'

export interface Served {
  readonly url: URL
  /** The process of workerd. */
  readonly pid: number
  readonly stop: () => Promise<void>
}

export interface ServedEdge extends Served {
  readonly serverKey: string
}

const direct = [{ host: '127.0.0.1', port: 0 }]
const checkSecret = 'check-secret-of-the-benchmark'

/** A Worker of a few lines on bare workerd. */
export async function serveScript(script: string): Promise<Served> {
  const options = {
    name: 'ceiling',
    modules: true,
    script,
    compatibilityDate: '2026-09-18',
    unsafeDirectSockets: direct,
  }
  return await serve(new Miniflare(convertV4MiniflareOptions({ workers: [options] })), 'ceiling')
}

/** The built edge and hub on bare workerd, with these flags published as control would publish them. */
export async function serveEdge(dist: string, flags: Flags): Promise<ServedEdge> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = 'bench'
  const secrets = {
    TRUSTED_KEYS: JSON.stringify([{ ...(await exportJWK(publicKey)), kid }]),
    ID_CHECK_SECRET: checkSecret,
    ETAG_SECRET: 'etag-secret-of-the-benchmark',
    STREAM_SECRET: 'stream-secret-of-the-benchmark-0123456789',
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [builtWorker(dist, 'edge', secrets), builtWorker(dist, 'hub', secrets), publisher],
    }),
  )
  const served = await serve(miniflare, 'halyard-edge')
  const environment = makeId('env')
  const serverKey = await makeKey('server', environment, checkSecret)
  const publication = await makePublication({
    environment,
    flags,
    serverKey,
    privateJwk: { ...(await exportJWK(privateKey)), kid },
  })
  const publisherUrl = await miniflare.unsafeGetDirectURL('publisher')
  const answer = await fetch(publisherUrl, {
    method: 'POST',
    body: JSON.stringify([environment, publication]),
  })
  if (!(await answer.text()).includes('applied'))
    throw new Error('the hub refused what the benchmark published')
  return { ...served, serverKey }
}

/** Stands where control stands: bound to the hub's publishing entrypoint. */
const publisher = {
  name: 'publisher',
  modules: true,
  script: `export default {
    async fetch(request, env) {
      using answer = await env.HUB.publish(...(await request.json()))
      return Response.json(answer)
    },
  }`,
  compatibilityDate: '2026-09-18',
  serviceBindings: { HUB: { name: 'halyard-hub', entrypoint: 'HubPublish' } },
  unsafeDirectSockets: direct,
}

function builtWorker(dist: string, name: 'edge' | 'hub', secrets: Readonly<Record<string, string>>) {
  process.env['WRANGLER_LOG'] = 'none' // it would miss the secrets, which are given below
  const { workerOptions } = unstable_getMiniflareWorkerOptions(`workers/${name}/wrangler.toml`)
  delete process.env['WRANGLER_LOG']
  const contents = readFileSync(join(dist, name, 'main.js'), 'utf8')
  return {
    ...workerOptions,
    name: `halyard-${name}`,
    modules: [{ type: 'ESModule' as const, path: 'main.js', contents }],
    modulesRoot: '/',
    bindings: secrets,
    unsafeDirectSockets: direct,
  }
}

interface Wanted {
  readonly environment: string
  readonly flags: Flags
  readonly serverKey: string
  readonly privateJwk: Parameters<typeof signPublication>[1]
}

async function makePublication({ environment, flags, serverKey, privateJwk }: Wanted) {
  const body = formatBody(Array.from(flags, ([key, flag]) => formatLine('flag', key, JSON.stringify(flag))))
  const hash = await sha256Hex(serverKey)
  const record: AccessRecord = { environment, keys: [{ id: makeId('key'), hash, class: 'server' }] }
  const access = JSON.stringify(record)
  const clientHash = await sha256Hex('')
  const version = { environment, epoch: 1, version: 1, time: Date.now(), compiler: 1 }
  return await signPublication({ ...version, body, access, clientHash }, privateJwk)
}

async function serve(miniflare: Miniflare, name: string): Promise<Served> {
  await miniflare.ready
  const url = await miniflare.unsafeGetDirectURL(name)
  return { url, pid: findWorkerd(), stop: () => miniflare.dispose() }
}
