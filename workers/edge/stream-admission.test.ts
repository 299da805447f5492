import { expect, test } from 'vitest'
import { Refusal } from './refusal.ts'
import {
  closedMs,
  groupOf,
  makeAdmission,
  opensBurst,
  opensPerSec,
  retrySpreadSec,
  turnWaitMaxMs,
} from './stream-admission.ts'

/** A clock that stands still: what is slept is only noted. */
function makeWorld() {
  let at = 1_000_000
  const slept: number[] = []
  const ports = { now: () => at, sleep: async (ms: number) => void slept.push(ms) }
  return { ports, slept, pass: (ms: number) => void (at += ms) }
}

async function enterMany(count: number, enter: () => Promise<void>): Promise<PromiseSettledResult<void>[]> {
  return await Promise.allSettled(Array.from({ length: count }, enter))
}

const retryAfterOf = (result: PromiseSettledResult<void>) => {
  const reason: unknown = result.status === 'rejected' ? result.reason : null
  return reason instanceof Refusal ? Number(reason.extra.headers?.['Retry-After']) : null
}

test('five thousand that come at once are all let in, one after the other', async () => {
  const { ports, slept } = makeWorld()
  const admission = makeAdmission(undefined)
  const results = await enterMany(5_000, () => admission.enter('env_1', ports))
  expect(results.filter(({ status }) => status === 'rejected')).toEqual([])
  expect(slept).toHaveLength(5_000 - opensBurst - 1)
  expect(Math.max(...slept)).toBeLessThanOrEqual(turnWaitMaxMs)
  for (let sec = 0; sec < 7; sec++) {
    const inThisSecond = slept.filter((ms) => ms >= sec * 1_000 && ms < (sec + 1) * 1_000).length
    expect(Math.abs(inThisSecond - opensPerSec)).toBeLessThanOrEqual(1)
  }
})

test('who would wait too long is sent away, to come back spread over time and after those that wait', async () => {
  const { ports, pass } = makeWorld()
  const admission = makeAdmission(undefined)
  const most = opensBurst + (opensPerSec * turnWaitMaxMs) / 1_000
  const results = await enterMany(most + 1_000, () => admission.enter('env_1', ports))
  const waits = results.map(retryAfterOf).filter((sec) => sec !== null)
  expect(waits.length).toBeGreaterThanOrEqual(990)
  expect(waits.every((sec) => Number.isInteger(sec) && sec >= turnWaitMaxMs / 1_000)).toBe(true)
  expect(new Set(waits).size).toBe(retrySpreadSec)
  pass(turnWaitMaxMs + 1_000)
  expect(
    (await enterMany(1_000, () => admission.enter('env_1', ports))).map(retryAfterOf).filter(Boolean),
  ).toEqual([])
})

test('a storm in one environment holds up no other', async () => {
  const { ports, slept } = makeWorld()
  const admission = makeAdmission(undefined)
  await enterMany(10_000, () => admission.enter('env_1', ports))
  slept.length = 0
  await admission.enter('env_2', ports)
  expect(slept).toEqual([])
  expect([admission.isClosed('env_1', ports.now()), admission.isClosed('env_2', ports.now())]).toEqual([
    true,
    false,
  ])
})

test('client keys, which are public, hold up no server', async () => {
  const { ports, slept } = makeWorld()
  const admission = makeAdmission(undefined)
  await enterMany(10_000, () => admission.enter(groupOf('env_1', 'client'), ports))
  slept.length = 0
  await admission.enter(groupOf('env_1', 'server'), ports)
  expect(slept).toEqual([])
  const closed = (['client', 'server'] as const).map((each) =>
    admission.isClosed(groupOf('env_1', each), ports.now()),
  )
  expect(closed).toEqual([true, false])
})

test('it is open until somebody was refused, and again some seconds later', async () => {
  const { ports, pass } = makeWorld()
  const admission = makeAdmission(undefined)
  await admission.enter('env_1', ports)
  expect(admission.isClosed('env_1', ports.now())).toBe(false)
  const refusal = admission.refuse('env_1', ports.now(), 3)
  expect([refusal.status, refusal.code]).toEqual([503, 'UNAVAILABLE'])
  expect(Number(refusal.extra.headers?.['Retry-After'])).toBeGreaterThanOrEqual(3)
  pass(closedMs - 1)
  expect(admission.isClosed('env_1', ports.now())).toBe(true)
  pass(1)
  expect(admission.isClosed('env_1', ports.now())).toBe(false)
})

test("the location's count is asked by name; its refusal is ours, its failure is not", async () => {
  const { ports } = makeWorld()
  const asked: string[] = []
  const limit = (answer: () => Promise<RateLimitOutcome>): RateLimit => ({
    limit: ({ key }) => (asked.push(key), answer()),
  })
  const full = makeAdmission(limit(async () => ({ success: false })))
  await expect(full.enter('env_1', ports)).rejects.toMatchObject({ code: 'UNAVAILABLE', status: 503 })
  expect([asked, full.isClosed('env_1', ports.now())]).toEqual([['env_1'], true])
  const broken = makeAdmission(limit(async () => await Promise.reject(new Error('no counter'))))
  await broken.enter('env_1', ports)
})
