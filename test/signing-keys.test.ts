/** The rotation of docs/operations/signing-keys.md, on real processes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { JWK } from 'jose'
import { makeHeadVerifier } from '@halyard/shared/protocol/head.ts'
import { toggle, useBareStack } from './operations-kit.ts'
import { until } from './stack-kit.ts'

const { stateDir, restart, api, admin, edge } = useBareStack()

test('one signing key replaces another while every reader goes on verifying', async () => {
  const before = await publish()
  expect(await kidOf(before)).toBe(keys().trusted[0]?.kid)
  const old = keys()
  const made = JSON.parse(await admin('signing-key', '--json')) as {
    kid: string
    signingKey: JWK
    trustedKey: JWK
  }

  await restart(() => setKeys({ trusted: [...old.trusted, made.trustedKey], signing: old.signing }))
  expect(await kidOf(await publish())).toBe(old.trusted[0]?.kid)
  expect(await listed()).toEqual([old.trusted[0]?.kid, made.kid])

  await restart(() => setKeys({ trusted: [...old.trusted, made.trustedKey], signing: made.signingKey }))
  expect((await edge('/v1/ruleset')).status, 'the head of the old key is good still').toBe(200)
  const raised = JSON.parse(await admin('republish', '--kid', made.kid, '--comment', 'a new key', '--json'))
  expect(raised).toHaveLength(3)
  expect(await kidOf(await publish())).toBe(made.kid)
  // The other environments are published by the sweep, which comes at a start and every minute.
  await restart(() => {})
  const behind = async () =>
    JSON.parse(await admin('republish', '--kid', made.kid, '--comment', 'c', '--json')) as []
  const kids = async () => (JSON.parse(await admin('status', '--json')) as Status).environments
  await until(kids, (all) => all.every(({ published }) => published?.kid === made.kid), 90_000)
  expect(await behind()).toEqual([])

  await restart(() => setKeys({ trusted: [made.trustedKey], signing: made.signingKey }))
  expect(await kidOf(await publish())).toBe(made.kid)
  expect(await listed()).toEqual([made.kid])
})

test('what a key signs that hub and edge no longer trust is never served', async () => {
  const held = await publish()
  const { trusted } = keys()
  const stranger = JSON.parse(await admin('signing-key', '--json')) as { signingKey: JWK }
  await restart(() => setKeys({ trusted, signing: stranger.signingKey }))
  const { status } = await api('POST', toggle)
  expect(status, 'the edit is kept').toBe(200)
  await until(
    async () => (await api('GET', '/orgs/demo/projects/shop/environments/production')).body,
    ({ version, publishedVersion }) => version !== publishedVersion,
  )
  expect((await edge('/v1/status')).headers.get('Halyard-Version')).toBe(held)
  // An edge that trusts another key than the one that signed what it is offered has nothing to answer from.
  const other = JSON.parse(await admin('signing-key', '--json')) as { signingKey: JWK; trustedKey: JWK }
  await restart(() => setKeys({ trusted: [other.trustedKey], signing: stranger.signingKey }))
  expect((await edge('/ofrep/v1/evaluate/flags', { method: 'POST' })).status).toBe(503)
})

interface Status {
  readonly environments: readonly { readonly published: { readonly kid: string } | null }[]
}

interface Keys {
  readonly trusted: readonly JWK[]
  readonly signing: JWK
}

const secrets = join(stateDir, 'secrets.json')

function keys(): Keys {
  const { trustedKeys, signingKey } = JSON.parse(readFileSync(secrets, 'utf8'))
  return { trusted: trustedKeys, signing: signingKey }
}

function setKeys({ trusted, signing }: Keys): void {
  const kept = JSON.parse(readFileSync(secrets, 'utf8'))
  writeFileSync(secrets, JSON.stringify({ ...kept, trustedKeys: trusted, signingKey: signing }))
}

/** Toggles the flag, and gives the version as soon as the edge has it. */
async function publish(): Promise<string> {
  const { body } = await api('POST', toggle)
  const { production } = body['versions'] as { production: string } // the API gives tokens
  await until(
    async () => (await edge('/v1/status')).headers.get('Halyard-Version'),
    (version) => version === production,
    60_000,
  )
  return production
}

/** Who signed what the edge holds, as a reader with the present keys sees it. */
async function kidOf(version: string): Promise<string | undefined> {
  const ruleset = await edge('/v1/ruleset')
  expect(ruleset.headers.get('Halyard-Version')).toBe(version)
  const { signedHead } = (await ruleset.json()) as { signedHead: string }
  return (await makeHeadVerifier(keys().trusted)(signedHead))?.kid
}

async function listed(): Promise<string[]> {
  const { keys } = (await (await edge('/.well-known/jwks.json')).json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}
