import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { fault } from './fault.ts'

/** What one installation keeps to itself. */
export interface Secrets {
  /** Signs heads: a private Ed25519 JWK with a `kid`, and the public ones that readers trust. */
  readonly signingKey: JWK
  readonly trustedKeys: readonly JWK[]
  /** Shared by control and edge: proves an id in a key without a look-up. */
  readonly idCheckSecret: string
  readonly etagSecret: string
  /** The edge's own: signs the credentials that open a stream. */
  readonly streamSecret: string
  readonly ownerPassword: string
  readonly appPassword: string
}

export interface Addresses {
  readonly databaseUrl: string
  /** `host:port`, or null for Neon itself. */
  readonly neonGateway: string | null
  readonly edgeUrl: string
  readonly consoleUrl: string
}

export type WorkerName = 'control' | 'hub' | 'edge'

/** Makes the secrets of a state folder once, and reads them ever after. */
export async function keepSecrets(stateFolder: string): Promise<Secrets> {
  const path = join(stateFolder, 'secrets.json')
  const kept = read(path)
  if (kept?.streamSecret !== undefined) return kept
  // A state folder from before there were streams lacks their secret.
  const secrets = kept === null ? await makeSecrets() : { ...kept, streamSecret: makeSecret() }
  writePrivate(path, `${JSON.stringify(secrets, null, 2)}\n`)
  return secrets
}

/** Writes the env file of each Worker, as `wrangler dev --env-file` reads it; answers their paths. */
export function writeEnvFiles(
  stateFolder: string,
  secrets: Secrets,
  addresses: Addresses,
): Readonly<Record<WorkerName, string>> {
  const variables = workerVariables(secrets, addresses)
  const write = (name: WorkerName) => {
    const path = join(stateFolder, `${name}.env`)
    writePrivate(path, formatEnv(variables[name]))
    return path
  }
  return { control: write('control'), hub: write('hub'), edge: write('edge') }
}

/** The variables and secrets that each Worker is given. */
export function workerVariables(
  secrets: Secrets,
  { databaseUrl, neonGateway, edgeUrl, consoleUrl }: Addresses,
): Readonly<Record<WorkerName, Readonly<Record<string, string>>>> {
  const TRUSTED_KEYS = JSON.stringify(secrets.trustedKeys)
  const ID_CHECK_SECRET = secrets.idCheckSecret
  const control = {
    DATABASE_URL: databaseUrl,
    ...(neonGateway === null ? {} : { NEON_GATEWAY: neonGateway }),
    SIGNING_KEY: JSON.stringify(secrets.signingKey),
    TRUSTED_KEYS,
    ID_CHECK_SECRET,
    EDGE_URL: edgeUrl,
    CONSOLE_URL: consoleUrl,
  }
  return {
    control,
    hub: { TRUSTED_KEYS },
    edge: {
      TRUSTED_KEYS,
      ID_CHECK_SECRET,
      ETAG_SECRET: secrets.etagSecret,
      STREAM_SECRET: secrets.streamSecret,
    },
  }
}

/**
 * One `NAME='value'` a line. The reader (dotenv) takes what is between single quotes as it stands, but then expands
 * `$NAME`, unless the dollar has a backslash; a single quote or a line break cannot be written at all.
 */
export function formatEnv(values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([name, value]) => {
    if (/['\r\n]/.test(value))
      throw fault(`${name} holds a quote or a line break`, 'Write it percent-encoded')
    return `${name}='${value.replaceAll('$', '\\$')}'\n`
  })
  return lines.join('')
}

/** Writes a file that only its owner reads, whole or not at all. */
export function writePrivate(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

async function makeSecrets(): Promise<Secrets> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = `dev-${randomBytes(4).toString('hex')}`
  const marks = { kid, alg: 'EdDSA', use: 'sig' }
  return {
    signingKey: { ...(await exportJWK(privateKey)), ...marks },
    trustedKeys: [{ ...(await exportJWK(publicKey)), ...marks }],
    idCheckSecret: makeSecret(),
    etagSecret: makeSecret(),
    streamSecret: makeSecret(),
    ownerPassword: randomBytes(24).toString('hex'),
    appPassword: randomBytes(24).toString('hex'),
  }
}

function makeSecret(): string {
  return randomBytes(32).toString('base64url')
}

function read(path: string): Secrets | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null // the first start
  }
  try {
    return JSON.parse(text) // we alone write it
  } catch {
    throw fault(`${path} is damaged`, 'Start over with --reset')
  }
}
