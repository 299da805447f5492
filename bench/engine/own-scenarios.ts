/** What no peer does in process: a segment of a million ids, and bulk answers as JSON text. Bundled with the engine. */
import { createHash } from 'node:crypto'
import { addBlob, formatBody, formatLine, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { blobHolds, fingerprintOf, openBlob, sealBlob } from '@halyard/shared/engine/blob.ts'
import { hashOf } from '@halyard/shared/engine/bucketing.ts'
import { evaluate, evaluateAllJson } from '@halyard/shared/engine/evaluate.ts'
import type { EvaluationContext, FlagConfig, SegmentConfig } from '@halyard/shared/engine/model.ts'
import { floor } from './floor.ts'
import { mixedFlags, writeBody } from './flags.ts'
import type { LoadSubject, Subject } from './measure.ts'
import { makeContexts, mixedDocument } from './plain-document.ts'

export interface OwnScenario {
  readonly title: string
  readonly goalNs: number
  /** Named `halyard` and `floor`. */
  readonly subjects: () => readonly Subject[]
}

export interface OwnLoad {
  readonly title: string
  readonly goalNs: number
  readonly subjects: () => readonly LoadSubject[]
}

const memberCount = 1_000_000
const now = 1_750_000_000_000
const contexts: readonly EvaluationContext[] = makeContexts(64).map((context) => ({ ...context }))
const last = contexts.length - 1
const doNothing = () => {}

/** Their floors: the values alone as JSON; hash and search; the SHA-256 that every reader must compute. */
export const ownScenarios: Readonly<Record<string, OwnScenario>> = {
  'E-text': {
    title: '100 mixed flags as JSON text',
    goalNs: 10_000,
    subjects: () => textSubjects(100),
  },
  'F-text': {
    title: '1,000 mixed flags as JSON text',
    goalNs: 100_000,
    subjects: () => textSubjects(1_000),
  },
  M: {
    title: 'segment of 1,000,000 ids',
    goalNs: 1_000,
    subjects: memberSubjects,
  },
}

export const ownLoads: Readonly<Record<string, OwnLoad>> = {
  'M-load': {
    title: '1,000,000 ids to the first answer, SHA-256 included',
    goalNs: 50_000_000,
    subjects: memberLoads,
  },
}

function textSubjects(count: number): Subject[] {
  const document = mixedDocument(count)
  const snapshot = loadSnapshot(writeBody(document))
  const loaded = floor.load(floor.write(document))
  if (loaded instanceof Promise) throw new Error('the floor does not wait')
  const askers = makeContexts(contexts.length).map((context) => loaded.forContext(context))
  return [
    {
      name: 'halyard',
      run: (i) => `{"flags":[${evaluateAllJson(snapshot, contexts[i & last] ?? {}, now)}]}`,
    },
    { name: 'floor', run: (i) => JSON.stringify(askers[i & last]?.all()) },
  ]
}

function memberSubjects(): Subject[] {
  const { body, bytes, hash } = makeMembers()
  const snapshot = loadSnapshot(body)
  addBlob(snapshot, hash, bytes)
  const blob = openBlob(bytes)
  checkMembers((context) => evaluate(snapshot, 'invitation', context, now))
  return [
    { name: 'halyard', run: (i) => evaluate(snapshot, 'invitation', contexts[i & last] ?? {}, now) },
    {
      name: 'floor',
      run: (i) => {
        const id = String(contexts[i & last]?.['targetingKey'])
        return blob && blobHolds(blob, id, hashOf(id))
      },
    },
  ]
}

function memberLoads(): LoadSubject[] {
  const { body, bytes, hash } = makeMembers()
  const sha256 = () => createHash('sha256').update(bytes).digest('hex')
  const load = async () => {
    if (sha256() !== hash) throw new Error('the blob is not what its name says')
    const snapshot = loadSnapshot(body)
    addBlob(snapshot, hash, bytes)
    return evaluate(snapshot, 'invitation', contexts[0] ?? {}, now)
  }
  return [
    { name: 'halyard', load, close: doNothing },
    { name: 'floor', load: async () => sha256(), close: doNothing },
  ]
}

/** A flag for the members of a segment, which every other context is one of. */
function makeMembers(): { body: string; bytes: Uint8Array; hash: string } {
  const highs = new Uint32Array(memberCount)
  const lows = new Uint32Array(memberCount)
  for (let i = 0; i < memberCount; i++) {
    const { high, low } = fingerprintOf(`user-${2 * i}`)
    highs[i] = high
    lows[i] = low
  }
  const bytes = sealBlob(highs, lows, memberCount)
  const hash = createHash('sha256').update(bytes).digest('hex')
  const [plain] = mixedFlags(1).values()
  if (plain === undefined) throw new Error('there is no flag')
  const flag: FlagConfig = {
    ...plain,
    rules: [{ id: 'rule-1', when: { segment: 'invited' }, serve: { variant: 'on' } }],
    fallthrough: { variant: 'off' },
  }
  const members = { hash, count: memberCount, added: [], removed: [] }
  const segment: SegmentConfig = { attribute: 'targetingKey', include: [], exclude: [], members }
  const body = formatBody([
    formatLine('flag', 'invitation', JSON.stringify(flag)),
    formatLine('segment', 'invited', JSON.stringify(segment)),
  ])
  return { body, bytes, hash }
}

/** The contexts' ids are consecutive numbers: the even ones are members. */
function checkMembers(decide: (context: EvaluationContext) => object): void {
  contexts.forEach((context, i) => {
    const decision: { value?: unknown } = decide(context)
    if (decision.value !== (i % 2 === 0))
      throw new Error(`the large segment holds the wrong users: ${JSON.stringify(decision)}`)
  })
}
