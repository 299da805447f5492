import { mixedFlags } from '../engine/flags.ts'
import { helloWorker, jsonWorker } from './ceilings.ts'
import { serveEdge, serveScript, type Served } from './edge-under-test.ts'
import { hostileRequests } from './hostile.ts'
import { measureLoad, type LoadFigure, type Request } from './load.ts'

export interface EdgeFigure extends LoadFigure {
  /** CPU over that of the JSON ceiling, medians of the same run. */
  readonly ratio: number
  /** The largest ratio that is good enough; null for the ceilings. */
  readonly goal: number | null
}

export type EdgeResults = Readonly<Record<string, EdgeFigure>>

interface Scenario {
  readonly name: string
  readonly goal: number | null
  readonly start: () => Promise<Served>
  readonly request: (served: Served) => Promise<Request>
  readonly count: number
  readonly status?: number
}

const jsonCeiling = 'parse 200 bytes, answer 300 (ceiling 2)'
const rounds = 3
const hostileCount = 1_000
const context = {
  targetingKey: 'user-4711',
  country: 'DE',
  plan: 'team',
  age: 41,
  email: 'somebody@shop.example',
  beta: true,
}
const body = JSON.stringify({ context: { ...context, filler: 'x'.repeat(60) } })

const bulk = post('/ofrep/v1/evaluate/flags')

/** Measures the built edge on bare workerd beside the two ceilings, in changing order; takes about a minute. */
export async function benchEdge(dist: string): Promise<EdgeResults> {
  const figures = new Map<string, LoadFigure[]>()
  for (let round = 0; round < rounds; round++) {
    for (const scenario of shuffle(makeScenarios(dist))) {
      // One at a time: two cores carry one server and its load.
      const figure = await measure(scenario) // oxlint-disable-line no-await-in-loop
      figures.set(scenario.name, [...(figures.get(scenario.name) ?? []), figure])
    }
  }
  const ceilingUs = median((figures.get(jsonCeiling) ?? []).map((figure) => figure.cpuUs))
  const measured = Object.fromEntries(
    makeScenarios(dist).map(({ name, goal }) => {
      const all = figures.get(name) ?? []
      const cpuUs = median(all.map((figure) => figure.cpuUs))
      const requestsPerSec = median(all.map((figure) => figure.requestsPerSec))
      return [name, { cpuUs, requestsPerSec, ratio: cpuUs / ceilingUs, goal }]
    }),
  )
  return { ...measured, ...(await benchHostile(dist, ceilingUs)) }
}

/** What refusing costs; no goal but that it is far below the 50 ms that any request may take. */
async function benchHostile(dist: string, ceilingUs: number): Promise<EdgeResults> {
  const served = await serveEdge(dist, mixedFlags(100))
  const results: Record<string, EdgeFigure> = {}
  try {
    for (const { name, status, body: hostile } of hostileRequests) {
      const request = { ...(await bulk(served)), body: hostile } // oxlint-disable-line no-await-in-loop
      const load = { count: hostileCount, status }
      const figure = await measureLoad(served.url, served.pid, request, load) // oxlint-disable-line no-await-in-loop
      results[`refused: ${name}`] = { ...figure, ratio: figure.cpuUs / ceilingUs, goal: null }
    }
  } finally {
    await served.stop()
  }
  return results
}

function makeScenarios(dist: string): Scenario[] {
  return [
    {
      name: 'hello (ceiling 1)',
      goal: null,
      start: () => serveScript(helloWorker),
      request: async () => ({ method: 'GET', path: '/', headers: {} }),
      count: 40_000,
    },
    {
      name: jsonCeiling,
      goal: null,
      start: () => serveScript(jsonWorker),
      request: async () => ({ method: 'POST', path: '/', headers: {}, body }),
      count: 40_000,
    },
    {
      name: 'OFREP one flag',
      goal: 1.3,
      start: () => serveEdge(dist, mixedFlags(100)),
      request: post(`/ofrep/v1/evaluate/flags/${[...mixedFlags(100).keys()][7]}`),
      count: 40_000,
    },
    {
      name: 'OFREP 20 flags',
      goal: null,
      start: () => serveEdge(dist, mixedFlags(20)),
      request: bulk,
      count: 20_000,
    },
    {
      name: 'OFREP 100 flags',
      goal: 1.55,
      start: () => serveEdge(dist, mixedFlags(100)),
      request: bulk,
      count: 20_000,
    },
    {
      name: 'OFREP 1,000 flags',
      goal: null,
      start: () => serveEdge(dist, mixedFlags(1_000)),
      request: bulk,
      count: 4_000,
    },
    {
      name: 'OFREP 100 flags, not modified',
      goal: 1.2,
      start: () => serveEdge(dist, mixedFlags(100)),
      request: notModified(bulk),
      count: 20_000,
      status: 304,
    },
  ]
}

function post(path: string): Scenario['request'] {
  return async (served) => ({ method: 'POST', path, headers: keyOf(served), body })
}

/** The same request, with the ETag of its answer. */
function notModified(bulk: Scenario['request']): Scenario['request'] {
  return async (served) => {
    const request = await bulk(served)
    const headers = { ...request.headers, 'content-type': 'application/json' }
    const answer = await fetch(new URL(request.path, served.url), { method: 'POST', headers, body })
    return { ...request, headers: { ...request.headers, 'if-none-match': answer.headers.get('etag') ?? '' } }
  }
}

async function measure({ name, start, request, count, status = 200 }: Scenario): Promise<LoadFigure> {
  const served = await start()
  try {
    const wanted = await request(served)
    await measureLoad(served.url, served.pid, wanted, { count: Math.ceil(count / 4), status }) // warm
    return await measureLoad(served.url, served.pid, wanted, { count, status })
  } catch (cause) {
    throw new Error(`${name} could not be measured`, { cause })
  } finally {
    await served.stop()
  }
}

function keyOf(served: Served): Record<string, string> {
  return 'serverKey' in served ? { authorization: `Bearer ${String(served.serverKey)}` } : {}
}

function shuffle<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
