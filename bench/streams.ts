import { setTimeout as wait } from 'node:timers/promises'
import type { BareStack } from '../dev/bare-stack.ts'
import { residentKib, socketsMax, withBareStacks } from './bare.ts'
import { cpuUsOf } from './edge/load.ts'
import { callApi, toggle } from './management.ts'
import { openSubscribers, type Subscribers } from './subscribers.ts'

export interface StreamFigure {
  readonly value: number
  readonly unit: string
  readonly goal: string | null
}

export type StreamResults = Readonly<Record<string, StreamFigure>>

const shop = '/orgs/demo/projects/shop'
const manyFlags = 5_000
const importSize = 500
const members = 1_000_000
const partBytes = 1024 * 1024
const crowd = 4_000
const writes = 20
/** Two heartbeats. */
const idleMs = 30_000
const environmentCounts = [1, 10, 100]
const environmentsPerProject = 20
const toldMaxMs = 20_000

/** What a subscriber costs: bytes for a change, memory and processor time of workerd; and what environments cost. */
export async function benchStreams(): Promise<StreamResults> {
  return await withBareStacks(async (start) => {
    const parts = [benchFlagBytes, benchMemberBytes, benchCrowd, ...environmentCounts.map(benchEnvironments)]
    const results: Record<string, StreamFigure> = {}
    for (const part of parts) {
      const stack = await start() // oxlint-disable-line no-await-in-loop -- one at a time: two cores carry both sides
      try {
        Object.assign(results, await part(stack)) // oxlint-disable-line no-await-in-loop
      } finally {
        await stack.stop() // oxlint-disable-line no-await-in-loop
      }
    }
    return results
  })
}

/** One flag of thousands changes. */
async function benchFlagBytes(stack: BareStack): Promise<StreamResults> {
  for (let from = 0; from < manyFlags; from += importSize) {
    const flags = Array.from({ length: importSize }, (_, i) => flagOf(from + i))
    await callApi(stack, { method: 'POST', path: `${shop}/flags/import`, body: { flags } }) // oxlint-disable-line no-await-in-loop -- each raises the version
  }
  const bytes = await bytesOfChange(stack, () => toggle(stack, 'development', `flag-${manyFlags / 2}`))
  return { [`one flag of ${manyFlags} changes`]: { value: bytes, unit: 'bytes a socket', goal: '<= 2,048' } }
}

/** One id joins a long list. */
async function benchMemberBytes(stack: BareStack): Promise<StreamResults> {
  const list = `${shop}/environments/development/segments/customers/members`
  await callApi(stack, { method: 'POST', path: `${shop}/segments`, body: { key: 'customers' } })
  const text = `id\n${Array.from({ length: members }, (_, i) => `customer-${i}\n`).join('')}`
  const parts = Math.ceil(text.length / partBytes)
  for (let part = 0; part < parts; part++) {
    const body = text.slice(part * partBytes, (part + 1) * partBytes)
    await callApi(stack, { method: 'PUT', path: `${list}?upload=list&part=${part + 1}`, body }) // oxlint-disable-line no-await-in-loop -- in order
  }
  await callApi(stack, { method: 'POST', path: `${list}/commit`, body: { upload: 'list', parts } })
  const bytes = await bytesOfChange(stack, async () => {
    const { versions } = await callApi<{ versions: Record<string, string> }>(stack, {
      method: 'PATCH',
      path: list,
      body: { add: ['a-new-customer'] },
    })
    return versions['development'] ?? ''
  })
  return {
    [`one id joins a segment of ${members}`]: { value: bytes, unit: 'bytes a socket', goal: '<= 2,048' },
  }
}

/** Memory and processor time of workerd for each subscriber of one environment. */
async function benchCrowd(stack: BareStack): Promise<StreamResults> {
  const size = Math.min(crowd, socketsMax())
  const pid = stack.processes.edge.workerdPid()
  await writeAgain(stack, null)
  const before = { kib: residentKib(pid), cpuUs: await writeAgain(stack, null), idleUs: await idleCpuUs(pid) }
  const openedUs = cpuUsOf(pid)
  const subscribers = await subscribe(stack, size)
  const opensUs = cpuUsOf(pid) - openedUs
  const kib = residentKib(pid) - before.kib
  const idleUs = (await idleCpuUs(pid)) - before.idleUs
  const writesUs = (await writeAgain(stack, { subscribers, size })) - before.cpuUs
  subscribers.close()
  return {
    'memory of workerd': figure(kib / size, 'KiB a socket'),
    'opening a stream': figure(opensUs / size, 'us of CPU'),
    'one message of a change': figure(writesUs / writes / size, 'us of CPU a socket'),
    'idle, with its heartbeats': figure((idleUs / size) * (60_000 / idleMs), 'us of CPU a socket and minute'),
  }
}

/** A thousand subscribers over more and more environments, each of which changes. */
function benchEnvironments(count: number): (stack: BareStack) => Promise<StreamResults> {
  return async (stack) => {
    const places = await makeEnvironments(stack, count)
    const all: Subscribers[] = []
    for (const { key } of places)
      all.push(await openSubscribers({ edgeUrl: stack.urls.edge, key, size: 1_000 / count })) // oxlint-disable-line no-await-in-loop -- a few at a time
    const pid = stack.processes.edge.workerdPid()
    const cpuBefore = cpuUsOf(pid)
    let waitedMs = 0
    for (const [index, { path }] of places.entries()) {
      const { versions } = await callApi<{ versions: Record<string, string> }>(stack, {
        method: 'POST',
        path,
        body: {},
      }) // oxlint-disable-line no-await-in-loop -- one after another
      const ack = performance.now()
      await isTold(all[index], Object.values(versions)[0] ?? '', 1_000 / count) // oxlint-disable-line no-await-in-loop
      waitedMs += performance.now() - ack
    }
    const cpuUs = cpuUsOf(pid) - cpuBefore
    for (const subscribers of all) subscribers.close()
    const name = `1,000 sockets over ${count} environment${count === 1 ? '' : 's'}`
    return {
      [`${name}: a change told to all`]: { value: waitedMs / count, unit: 'ms after its answer', goal: null },
      [`${name}: a change`]: { value: cpuUs / count / 1_000, unit: 'ms of CPU', goal: null },
      [`${name}: memory of workerd`]: { value: residentKib(pid) / 1_024, unit: 'MiB', goal: null },
    }
  }
}

function figure(value: number, unit: string): StreamFigure {
  return { value, unit, goal: null }
}

interface Place {
  readonly key: string
  /** Toggles a flag there. */
  readonly path: string
}

async function makeEnvironments(stack: BareStack, count: number): Promise<Place[]> {
  const places: Place[] = []
  for (let index = 0; index < count; index++) {
    const [project, environment] = [`load-${Math.floor(index / environmentsPerProject)}`, `env-${index}`]
    const base = `/orgs/demo/projects/${project}`
    if (index % environmentsPerProject === 0) await makeProject(stack, project) // oxlint-disable-line no-await-in-loop -- in order
    // A project begins with three environments, of at most twenty.
    const own = index % environmentsPerProject < 3 ? starting[index % environmentsPerProject] : undefined
    if (own === undefined)
      await callApi(stack, {
        method: 'POST',
        path: `${base}/environments`,
        body: { key: environment, name: environment },
      }) // oxlint-disable-line no-await-in-loop
    const body = { class: 'server', environment: own ?? environment, name: 'load' }
    const { secret } = await callApi<{ secret: string }>(stack, {
      method: 'POST',
      path: `${base}/keys`,
      body,
    }) // oxlint-disable-line no-await-in-loop
    places.push({ key: secret, path: `${base}/environments/${own ?? environment}/flags/load/toggle` })
  }
  return places
}

const starting = ['development', 'staging', 'production']

async function makeProject(stack: BareStack, key: string): Promise<void> {
  await callApi(stack, { method: 'POST', path: '/orgs/demo/projects', body: { key, name: key } })
  await callApi(stack, { method: 'POST', path: `/orgs/demo/projects/${key}/flags`, body: { key: 'load' } })
}

/** Bytes on the wire, frames and all, from before the change until it was told. */
async function bytesOfChange(stack: BareStack, change: () => Promise<string>): Promise<number> {
  const subscribers = await subscribe(stack, 1)
  // What was published before is on its way until something later has come.
  await isTold(subscribers, await toggle(stack, 'development'), 1)
  const before = subscribers.bytesRead()
  await isTold(subscribers, await change(), 1)
  const bytes = subscribers.bytesRead() - before
  subscribers.close()
  return bytes
}

async function subscribe(stack: BareStack, size: number): Promise<Subscribers> {
  const { serverKey: key } = stack.seed.environments.development
  return await openSubscribers({ edgeUrl: stack.urls.edge, key, size })
}

/** Changes a flag some times; answers the processor time of workerd. */
async function writeAgain(
  stack: BareStack,
  told: { readonly subscribers: Subscribers; readonly size: number } | null,
): Promise<number> {
  const pid = stack.processes.edge.workerdPid()
  const before = cpuUsOf(pid)
  for (let i = 0; i < writes; i++) {
    const token = await toggle(stack, 'development') // oxlint-disable-line no-await-in-loop -- one at a time
    if (told) await isTold(told.subscribers, token, told.size) // oxlint-disable-line no-await-in-loop
  }
  return cpuUsOf(pid) - before
}

async function idleCpuUs(pid: number): Promise<number> {
  const before = cpuUsOf(pid)
  await wait(idleMs)
  return cpuUsOf(pid) - before
}

async function isTold(subscribers: Subscribers | undefined, token: string, size: number): Promise<void> {
  const end = performance.now() + toldMaxMs
  while ((subscribers?.arrivals(token).length ?? 0) < size) {
    if (performance.now() > end)
      throw new Error(`not all ${size} subscribers were told of ${token} in ${toldMaxMs} ms`)
    await wait(2) // oxlint-disable-line no-await-in-loop -- until it is so
  }
}

function flagOf(index: number): object {
  const rules = [
    { when: { attribute: 'plan', op: 'in', values: ['team', 'business'] }, serve: { variant: 'on' } },
  ]
  return { key: `flag-${index}`, environments: { development: { enabled: true, rules } } }
}
