/** The engine's table over HTTP: what a row says is what the edge answers, in both of its forms. */
import { beforeAll, expect, test } from 'vitest'
import { caseBody, cases, type Case } from '@halyard/shared/engine/cases.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { formatLine } from '@halyard/shared/engine/snapshot.ts'
import { formatKvValue, kvNames } from '@halyard/shared/protocol/hub.ts'
import { namedBlobs } from '@halyard/shared/protocol/named-blobs.ts'
import { isJsonObject } from './request-body.ts'
import { edgeEnv, makeWorld, publicationOf, startEdge } from './test-kit.ts'

/** A row as it is asked for: many rows share an environment, where their flags have keys of their own. */
interface Asked {
  readonly row: Case
  readonly key: string
  readonly world: Awaited<ReturnType<typeof makeWorld>>
}

/** A context that is no object never comes to the engine here: `limits.test.ts` shows how it is refused. */
const rows = cases.filter(({ context }) => isJsonObject(context))
const linePrefix = 'flag\tf\t'
const asked = new Map<Case, Asked>()
const edges = new Map<number, ReturnType<typeof startEdge>>()

beforeAll(async () => {
  const [shared, own] = [rows.filter(standsAlone), rows.filter((row) => !standsAlone(row))]
  const world = await makeWorld()
  const lines = shared.map((row, i) => formatLine('flag', `f${i}`, caseBody(row).slice(linePrefix.length)))
  await world.publish(1, { body: lines.join('\n') })
  for (const [i, row] of shared.entries()) asked.set(row, { row, key: `f${i}`, world })
  const byBody = Map.groupBy(own, caseBody)
  await Promise.all(
    Array.from(byBody, async ([body, rows]) => {
      const owner = await makeWorld()
      if (namedBlobs(body).length === 0) await owner.publish(1, { body })
      else await publishToKv(owner, body)
      for (const row of rows) asked.set(row, { row, key: row.key, world: owner })
    }),
  )
})

test.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
  const found = asked.get(row)
  if (!found) throw new Error('every row was published')
  const { key, world } = found
  const context = textOf(row.context)
  const options = { key: row.class === 'client' ? world.client.text : world.server.text }
  const { call } = edgeAt(row.now)
  const body = `{"flag":${JSON.stringify(key)},"context":${context}}`
  expect(await read(await call('/v1/evaluate', { ...options, body }))).toEqual(expected(found))
  const path = `/ofrep/v1/evaluate/flags/${encodeURIComponent(key)}`
  const answer = await call(path, { ...options, body: `{"context":${context}}` })
  expect(await read(answer)).toEqual(expected(found))
})

/** The hub takes no version whose blobs it lacks, and lacking them is what the row is about. */
async function publishToKv({ environment, server, client }: Asked['world'], body: string) {
  const keys = [server.entry, client.entry]
  const { signedHead, access } = await publicationOf(environment, 1, { body, keys })
  const confirmation = { signedHead, confirmedAt: Date.now() }
  await edgeEnv.SNAPSHOTS.put(kvNames.snapshot(environment), formatKvValue(confirmation, body))
  await edgeEnv.SNAPSHOTS.put(kvNames.access(environment), formatKvValue(confirmation, access))
}

/** Whether its snapshot is one flag that refers to nothing, so that the flag may have another key. */
function standsAlone(row: Case): boolean {
  const body = caseBody(row)
  return row.key === 'f' && body.startsWith(linePrefix) && !body.includes('\n') && !body.includes('"flag":')
}

/** An edge whose clock stands still. */
function edgeAt(now: number) {
  const known = edges.get(now) ?? startEdge({}, now)
  edges.set(now, known)
  return known
}

function expected({ row, key }: Asked) {
  const { expect: expectation } = row
  if (!('errorCode' in expectation)) return { status: 200, key, ...expectation }
  const { errorCode } = expectation
  return { status: errorCode === 'FLAG_NOT_FOUND' ? 404 : 400, key, errorCode }
}

async function read(answer: Response) {
  const { errorDetails, ...decision } = await answer.json<Record<string, Json>>()
  if ('errorCode' in decision) expect(errorDetails).not.toBe('')
  return { status: answer.status, ...decision }
}

/** JSON as a client may write it: the table holds numbers that JSON.stringify does not tell apart. */
function textOf(value: Json): string {
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '-0'
    return Number.isFinite(value) ? String(value) : value > 0 ? '1e999' : '-1e999'
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  return `{${Object.entries(value)
    .map(([name, part]) => `${JSON.stringify(name)}:${textOf(part)}`)
    .join(',')}}`
}
