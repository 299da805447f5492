import { generateKeyPair, exportJWK } from 'jose'
import { formatLine } from '@halyard/shared/engine/snapshot.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { signHead, snapshotSchema, snapshotSizeMax, type Head } from '@halyard/shared/protocol/head.ts'
import type { ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import type { Secrets } from '../dev/secrets.ts'

/** An answer as a hub could give it, whole. */
export type Whole = ReadAnswer & { readonly body: string; readonly access: string }

/** What the planted answers are made from. */
export interface Truth {
  readonly head: Head
  readonly answer: Whole
  /** Of the same environment, some versions ago; and of another one. */
  readonly old: Whole
  readonly other: Whole
}

export const unknownFlag = 'from-the-future'

type Maker = (truth: Truth, secrets: Secrets) => Promise<Whole>

/** Answers that no reader may take, though each is well formed and all but one are signed by the right key. */
export const refusedAnswers: Readonly<Record<string, Maker>> = {
  'newer schema': ({ head, answer }, secrets) =>
    sign(secrets, { ...head, version: head.version + 1, schema: snapshotSchema + 1 }, answer),
  'twice the limits': async ({ head, answer }, secrets) => {
    const body = formatLine('flag', 'huge', JSON.stringify({ filler: 'x'.repeat(2 * snapshotSizeMax) }))
    return await withBody(secrets, head, { ...answer, body })
  },
  'wrong size': ({ head, answer }, secrets) =>
    sign(secrets, { ...head, version: head.version + 1, size: head.size + 1 }, answer),
  'wrong hash': async ({ head, answer }, secrets) => {
    const snapshotHash = await sha256Hex('something else')
    return await sign(secrets, { ...head, version: head.version + 1, snapshotHash }, answer)
  },
  'the same version with another content': async ({ head, answer }, secrets) => {
    const changed = { ...answer, body: answer.body.replace('"enabled":true', '"enabled":false') }
    return await withBody(secrets, { ...head, version: head.version - 1 }, changed)
  },
  'an older version': async ({ old }) => old,
  'another environment': async ({ other }) => other,
  'another signer': async ({ head, answer }, secrets) => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    const { kid = '' } = secrets.signingKey
    const signingKey = { ...(await exportJWK(privateKey)), kid }
    return await sign({ ...secrets, signingKey }, { ...head, version: head.version + 1 }, answer)
  },
}

/** The next version, by a compiler that knows more: kinds of lines and operators that this reader does not. */
export async function fromNewerCompiler({ head, answer }: Truth, secrets: Secrets): Promise<Whole> {
  const flag = {
    valueType: 'boolean',
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    seed: 'seed',
    clientVisible: false,
    enabled: true,
    offVariant: 'off',
    overrides: [],
    rules: [
      {
        id: 'r1',
        when: { attribute: 'plan', op: 'entangledWith', values: ['team'] },
        serve: { variant: 'on' },
      },
    ],
    fallthrough: { variant: 'off' },
  }
  const lines = [
    ...answer.body.split('\n'),
    formatLine('flag', unknownFlag, JSON.stringify(flag)),
    formatLine('gadget', 'one', '{}'),
  ]
  return await withBody(secrets, head, { ...answer, body: lines.toSorted().join('\n') })
}

/** The version after the head's, with another body. */
async function withBody(secrets: Secrets, head: Head, answer: Whole): Promise<Whole> {
  const size = new TextEncoder().encode(answer.body).length
  const snapshotHash = await sha256Hex(answer.body)
  return await sign(secrets, { ...head, version: head.version + 1, snapshotHash, size }, answer)
}

async function sign({ signingKey }: Secrets, head: Head, answer: Whole): Promise<Whole> {
  return { ...answer, signedHead: await signHead(head, signingKey), confirmedAt: Date.now() } // with the key's own kid
}
