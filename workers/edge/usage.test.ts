import { expect, test } from 'vitest'
import { listCounts, type UsageMessage } from '@halyard/shared/contract/usage.ts'
import type { Decision } from '@halyard/shared/engine/model.ts'
import { bodyOf, makeWorld, segmentLine, startEdge } from './test-kit.ts'
import { sizeOf } from './usage-messages.ts'
import { countDecisions, countsOf, makeUsage, usageFlushMs, type UsageScope } from './usage.ts'
import { makeViewWorld } from './view-kit.ts'

const bulk = '/ofrep/v1/evaluate/flags'
const canada = { context: { targetingKey: 'user-1', country: 'CA' } }

/** An edge with a queue that keeps what it is given, and what came of it: `kind flag variant` and how often. */
async function start() {
  const world = await makeWorld()
  const sent: UsageMessage[] = []
  const keep = async (message: UsageMessage) => void sent.push(message)
  const edge = startEdge({ EVENTS: { send: keep } })
  const counted = async () => {
    await edge.settle()
    const sums: Record<string, number> = {}
    for (const { kind, flag, variant, count } of sent.splice(0).flatMap(listCounts))
      sums[`${kind} ${flag} ${variant}`] = (sums[`${kind} ${flag} ${variant}`] ?? 0) + count
    return sums
  }
  return { ...world, ...edge, sent, counted }
}

/** `usage.ts` alone, on a clock that the test moves. */
function startUsage(flushMs = usageFlushMs) {
  const world = makeViewWorld()
  const sent: UsageMessage[] = []
  const queue = { isBroken: false }
  const usage = makeUsage(async (message) => {
    if (queue.isBroken) throw new Error('broken')
    sent.push(message)
  }, flushMs)
  const ports: UsageScope['ports'] = { ...world.ports, defer: (work) => void work }
  const count = (environment: string, ...keys: readonly string[]) =>
    countDecisions(countsOf({ edge: { usage }, ports }, environment).evaluations, keys.map(decisionOf))
  return { ...world, usage, ports, sent, queue, count }
}

const flagsOf = (message: UsageMessage) => listCounts(message).map(({ flag }) => flag)

function decisionOf(key: string): Decision {
  return { key, value: true, variant: 'on', reason: 'STATIC', metadata: {} }
}

test('flags asked for by key count as evaluations, and each flag of an answer for all as a delivery', async () => {
  const { server, publish, call, counted } = await start()
  await publish(1)
  const key = server.text
  await call(`${bulk}/banner`, { key, body: canada })
  await call('/v1/evaluate', { key, body: { ...canada, flag: 'banner' } })
  await call('/v1/evaluate', { key, body: { ...canada, flags: ['banner', 'steady'] } })
  expect(await counted()).toEqual({ 'evaluations banner on': 3, 'evaluations steady on': 1 })

  await call(bulk, { key, body: canada })
  await call('/v1/evaluate', { key, body: canada })
  expect(await counted()).toMatchObject({
    'deliveries banner on': 2,
    'deliveries broken null': 2,
    'deliveries hidden off': 2,
    'deliveries paused off': 2,
    'deliveries steady on': 2,
  })
  expect(await counted()).toEqual({})
})

test('what an environment sends names it, and is one batch under an id of its own', async () => {
  const { server, publish, call, settle, sent, environment } = await start()
  await publish(1)
  for (const flag of ['banner', 'steady']) {
    await call(`${bulk}/${flag}`, { key: server.text, body: canada })
    await settle()
  }
  expect(
    sent.map((message) => ({
      environment: message.environment,
      source: message.source,
      size: sizeOf(message),
    })),
  ).toEqual([1, 1].map((size) => ({ environment, source: 'edge', size })))
  expect(new Set(sent.map(({ id }) => id)).size).toBe(2)
})

test('a 304 counts nothing', async () => {
  const { server, publish, call, counted } = await start()
  await publish(1)
  await call(bulk, { key: server.text, body: canada })
  await counted()
  const again = await call(bulk, { key: server.text, body: canada, headers: { 'If-None-Match': '*' } })
  expect([again.status, await counted()]).toEqual([304, {}])
})

test('flags that are unknown to who asks count nothing, so that invented names fill no memory', async () => {
  const { server, client, publish, call, counted } = await start()
  await publish(1)
  await call(`${bulk}/invented`, { key: server.text, body: canada })
  await call('/v1/evaluate', { key: client.text, body: { ...canada, flags: ['hidden', 'invented'] } })
  expect(await counted()).toEqual({})
})

test('an evaluation that has to be made again, when members were fetched, counts once', async () => {
  const { server, publish, store, call, counted } = await start()
  const hash = await store(['user-1'])
  const rule = { id: 'rul_1', when: { segment: 'large' }, serve: { variant: 'on' } }
  const flags = { members: { rules: [rule] } }
  await publish(1, { flags, body: bodyOf(flags, [segmentLine('large', hash, 1)]) })
  await call(`${bulk}/members`, { key: server.text, body: canada })
  expect(await counted()).toEqual({ 'evaluations members on': 1 })
})

test('an answer for all that has to be made again, when members were fetched, counts once', async () => {
  const rule = { id: 'rul_1', when: { segment: 'large' }, serve: { variant: 'on' } }
  const flags = { members: { rules: [rule] }, steady: {} }
  const askCold = async (path: string) => {
    const { server, publish, store, call, counted } = await start()
    const hash = await store(['user-1'])
    await publish(1, { flags, body: bodyOf(flags, [segmentLine('large', hash, 1)]) })
    await call(path, { key: server.text, body: canada })
    return await counted()
  }
  for (const counted of await Promise.all([bulk, '/v1/evaluate'].map(askCold)))
    expect(counted).toEqual({ 'deliveries members on': 1, 'deliveries steady off': 1 })
})

test('counts are gathered for ten seconds, by environment, and then sent', async () => {
  const { count, sent, pass } = startUsage()
  count('env_a', 'x', 'y')
  await pass(usageFlushMs - 1)
  count('env_b', 'z')
  expect(sent).toEqual([])
  await pass(1)
  expect(sent.map((message) => [message.environment, flagsOf(message)])).toEqual([
    ['env_a', ['x', 'y']],
    ['env_b', ['z']],
  ])
  count('env_a', 'x')
  await pass(usageFlushMs)
  expect(sent).toHaveLength(3)
})

test('a flush of 5,000 flags is two messages that a queue takes, and nothing of it is lost', async () => {
  const { count, sent, pass } = startUsage()
  const keys = Array.from({ length: 5_000 }, (_, i) => `new-feature-${i}`)
  count('env_a', ...keys, ...keys)
  await pass(usageFlushMs)
  expect(sent).toHaveLength(2)
  expect(sent.flatMap(flagsOf)).toEqual(keys)
  expect(new Set(sent.flatMap(listCounts).map(({ count }) => count))).toEqual(new Set([2]))
  for (const message of sent) expect(JSON.stringify(message).length).toBeLessThan(128_000)
})

test('what the queue did not take is kept, and goes with the next flush under its own id', async () => {
  const { count, sent, queue, pass, usage } = startUsage()
  queue.isBroken = true
  count('env_a', 'x')
  await pass(usageFlushMs)
  const [kept] = usage.unsent
  queue.isBroken = false
  count('env_a', 'y')
  await pass(usageFlushMs)
  expect(sent.map(flagsOf)).toEqual([['x'], ['y']])
  expect(sent[0]).toEqual(kept)
  expect(usage.unsent).toEqual([])
})

test('a queue that is gone for long costs the oldest counts, and no more memory', async () => {
  const { count, queue, pass, usage, reports } = startUsage()
  queue.isBroken = true
  const keys = Array.from({ length: 20_000 }, (_, i) => `flag-${i}`)
  for (const environment of ['env_a', 'env_b', 'env_c']) {
    count(environment, ...keys)
    // One flush after the other.
    // oxlint-disable-next-line no-await-in-loop
    await pass(usageFlushMs)
  }
  const held = usage.unsent.reduce((sum, message) => sum + sizeOf(message), 0)
  expect(held).toBeGreaterThan(40_000)
  expect(held).toBeLessThanOrEqual(50_000)
  expect(usage.unsent.at(-1)?.environment).toBe('env_c')
  expect(reports).toContain('usage was not taken, and is lost')
})

test('a flush that was cut off with its request does not end all counting', async () => {
  const { count, sent, ports, pass, usage } = startUsage()
  const dead = { edge: { usage }, ports: { ...ports, sleep: () => new Promise<void>(() => {}) } }
  countsOf(dead, 'env_a')
  count('env_a', 'x')
  await pass(60_000)
  expect(sent).toEqual([])
  count('env_a', 'x')
  await pass(usageFlushMs)
  expect(sent.flatMap(listCounts)).toMatchObject([{ flag: 'x', count: 2 }])
})

test('an isolate that serves more environments than it holds counts for loses none of them', async () => {
  const { count, sent, usage, pass } = startUsage()
  for (let i = 0; i < 1_001; i++) count(`env_${i}`, 'x')
  expect([usage.environments.size, usage.unsent.length]).toEqual([1, 1_000])
  for (let flush = 0; flush < 3; flush++) {
    // oxlint-disable-next-line no-await-in-loop -- one flush after the other
    await pass(usageFlushMs)
    count('env_last', 'x')
  }
  expect(new Set(sent.map(({ environment }) => environment)).size).toBe(1_002)
})
