import { setTimeout as wait } from 'node:timers/promises'
import { compareVersions, parseVersion } from '@halyard/shared/protocol/version.ts'
import { openReader } from '../sdk/open-reader.ts'
import type { BareStack } from '../dev/bare-stack.ts'
import { socketsMax, withBareStacks } from './bare.ts'
import { toggle } from './management.ts'
import { openSubscribers, type Subscribers } from './subscribers.ts'

/** Milliseconds, and what they are to be at most. */
export interface Spread {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly goal: string | null
}

export type PropagationResults = Readonly<Record<string, Spread>>

const sizes = [1, 100, 1_000, 5_000]
/** Of writes for each size, besides those that warm. */
const writes = 30
const warmUp = 5
const toldMaxMs = 20_000
const environment = 'development'

/** Changes a flag again and again on bare workerd, and watches sockets, a reader of the SDK, and the edge. */
export async function benchPropagation(): Promise<PropagationResults> {
  return await withBareStacks(async (start) => {
    const results: Record<string, Spread> = {}
    for (const size of sizes) {
      if (size > socketsMax()) continue
      const stack = await start() // oxlint-disable-line no-await-in-loop -- one at a time: two cores carry both sides
      try {
        Object.assign(results, await benchSockets(stack, size)) // oxlint-disable-line no-await-in-loop
        if (size === 1) Object.assign(results, await benchReader(stack), await benchEdge(stack)) // oxlint-disable-line no-await-in-loop
      } finally {
        await stack.stop() // oxlint-disable-line no-await-in-loop
      }
    }
    return results
  })
}

async function benchSockets(stack: BareStack, size: number): Promise<Record<string, Spread>> {
  const { serverKey: key } = stack.seed.environments[environment]
  const subscribers = await openSubscribers({ edgeUrl: stack.urls.edge, key, size })
  const [sinceAck, sinceWrite, allTold, answered]: number[][] = [[], [], [], []]
  for (let round = 0; round < warmUp + writes; round++) {
    const sent = performance.now()
    const token = await toggle(stack, environment) // oxlint-disable-line no-await-in-loop -- one write at a time
    const ack = performance.now()
    const times = await told(subscribers, token, size) // oxlint-disable-line no-await-in-loop
    if (round < warmUp) continue
    sinceAck?.push(...times.map((at) => at - ack))
    sinceWrite?.push(...times.map((at) => at - sent))
    allTold?.push(Math.max(...times) - ack)
    answered?.push(ack - sent)
  }
  subscribers.close()
  const named = `${size.toLocaleString('en')} socket${size === 1 ? '' : 's'}`
  return {
    [`${named}: the write is answered`]: spread(answered, null),
    [`${named}: from sending the write to the message`]: spread(sinceWrite, null),
    [`${named}: from the answer to the message`]: spread(
      sinceAck,
      size === 1_000 ? 'p50 <= 40, p99 <= 150' : null,
    ),
    [`${named}: from the answer to the last one's message`]: spread(
      allTold,
      size === 5_000 ? 'p99 <= 1,000' : null,
    ),
  }
}

async function told(subscribers: Subscribers, token: string, size: number): Promise<readonly number[]> {
  const end = performance.now() + toldMaxMs
  while (subscribers.arrivals(token).length < size) {
    if (performance.now() > end)
      throw new Error(
        `${subscribers.arrivals(token).length} of ${size} were told of ${token} in ${toldMaxMs} ms`,
      )
    await wait(2) // oxlint-disable-line no-await-in-loop -- until it is so; the moments are noted by the sockets
  }
  return subscribers.arrivals(token)
}

/** Until the SDK has verified and applied it. */
async function benchReader(stack: BareStack): Promise<Record<string, Spread>> {
  const { serverKey: key } = stack.seed.environments[environment]
  const reader = openReader({ edge: stack.urls.edge, key, trustedKeys: stack.secrets.trustedKeys })
  const applied = new Map<string, number>()
  reader.onChange(({ token }) => applied.set(token, performance.now()))
  while (!reader.status().isConnected) await wait(10) // oxlint-disable-line no-await-in-loop -- until it is
  const values: number[] = []
  for (let round = 0; round < warmUp + writes; round++) {
    const token = await toggle(stack, environment) // oxlint-disable-line no-await-in-loop -- one write at a time
    const ack = performance.now()
    while (!applied.has(token)) await wait(1) // oxlint-disable-line no-await-in-loop -- until it is
    if (round >= warmUp) values.push((applied.get(token) ?? 0) - ack)
  }
  reader.close()
  return { 'from the answer until the SDK has verified and applied it': spread(values, null) }
}

/** Until the edge answers with it: asked for that version, and not asked while others keep it busy. */
async function benchEdge(stack: BareStack): Promise<Record<string, Spread>> {
  const [asked, unasked]: number[][] = [[], []]
  for (let round = 0; round < warmUp + writes; round++) {
    const isAsked = round % 2 === 0
    const token = await toggle(stack, environment) // oxlint-disable-line no-await-in-loop -- one write at a time
    const ack = performance.now()
    while (!(await answersWith(stack, token, isAsked))) await wait(5) // oxlint-disable-line no-await-in-loop -- until it does
    if (round >= warmUp) (isAsked ? asked : unasked)?.push(performance.now() - ack)
  }
  return {
    'from the answer until the edge has it, asked for it': spread(asked, null),
    'from the answer until the edge has it, not asked': spread(unasked, null),
  }
}

async function answersWith({ urls, seed }: BareStack, token: string, isAsked: boolean): Promise<boolean> {
  const response = await fetch(`${urls.edge}/ofrep/v1/evaluate/flags/new-checkout`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${seed.environments[environment].serverKey}`,
      'content-type': 'application/json',
      ...(isAsked && { 'halyard-min-version': token }),
    },
    body: '{"context":{"targetingKey":"user-1"}}',
  })
  await response.text()
  const [seen, wanted] = [parseVersion(response.headers.get('halyard-version') ?? ''), parseVersion(token)]
  return seen !== null && wanted !== null && compareVersions(seen, wanted) >= 0
}

function spread(values: readonly number[] | undefined, goal: string | null): Spread {
  const sorted = (values ?? []).toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), goal }
}
