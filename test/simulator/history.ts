/** One history: a storm, then calm, then one last change; from one seed, always the same. */
import { compareVersions, formatVersion } from '@halyard/shared/protocol/version.ts'
import { Refusal } from '../../workers/edge/refusal.ts'
import { versionOf } from './checks.ts'
import { changeFlag, keyRow, sweep, write } from './control.ts'
import type { EdgeIsolate } from './edge-isolate.ts'
import type { SimKey } from './keys.ts'
import { happenSomething, mendAll, raise } from './mishaps.ts'
import { makeWatch } from './watch-readers.ts'
import { makeWorld, storageName, type World } from './world.ts'

export interface History {
  readonly seed: number
  /** What was found wrong; empty if all is well. */
  readonly faults: readonly string[]
  /** What happened, the latest of it. */
  readonly log: readonly string[]
  readonly commits: number
}

/** After a storm the longest waits that it caused run out: publishers' and readers' back-off, alarms, KV. */
const settleMs = 120_000
/** A heartbeat, the question after it, and what the answer takes. */
const healMs = 20_000

export async function runHistory(seed: number): Promise<History> {
  const world = await makeWorld(seed)
  const watch = makeWatch(world)
  const { clock, chance, checks, database } = world
  const isStorm = { now: true }
  const start = clock.now()
  drive(world, isStorm)
  await clock.runUntil(start + chance.between(20_000, 90_000), watch)
  isStorm.now = false
  world.trace('storm', 'is over')
  mendAll(world)
  void insist(world, revocations(world))
  await clock.runUntil(clock.now() + settleMs, watch)
  expectPublished(world)
  await probe(world, watch)
  world.close()
  return { seed, faults: [...checks.faults], log: world.log, commits: database.content.commits.length }
}

/** Everything that goes on by itself. */
function drive(world: World, isStorm: { readonly now: boolean }): void {
  const { clock, chance, isolates } = world
  const again = (fromMs: number, toMs: number, run: () => void) => {
    const next = () =>
      clock.after(chance.between(fromMs, toMs), () => {
        run()
        next()
      })
    next()
  }
  const paceMs = chance.pick([1_500, 5_000, 15_000])
  void write(world, [changeFlag(chance)]).catch(() => undefined)
  again(50, paceMs, () => isStorm.now && void write(world, [changeFlag(chance)]).catch(() => undefined))
  again(300, 8_000, () => isStorm.now && happenSomething(world))
  // The last net of publication; without it the first one has to hold.
  if (chance.hits(0.5)) again(60_000, 60_000, () => void sweep(world).catch(() => undefined))
  const isRefused = () => world.database.content.state.isEpochRequired
  again(1_000, 20_000, () => isRefused() && raise(world))
  for (const isolate of isolates) {
    again(100, 6_000, () => void ((isStorm.now || chance.hits(0.1)) && request(world, isolate)))
  }
}

/** A request of some reader at the edge. */
async function request(world: World, isolate: EdgeIsolate): Promise<void> {
  const { chance, keys, checks } = world
  const key = chance.pick([...keys.lasting, ...keys.passing])
  const head = checks.hubHead()
  const minVersion = head && chance.hits(0.2) ? formatVersion(head) : null
  const { machine } = isolate
  const { life } = machine
  const view = isolate.view()
  const isWarm = view?.copy && view.access
  const code = await ask(isolate, key, minVersion)
  if (!keys.lasting.includes(key)) return
  // A refusal is never made of what could not be had, and what is held has no end.
  if (code === 'KEY_INVALID') checks.fault(`${isolate.machine.name} refused a key that was never revoked`)
  if (code === 'UNAVAILABLE' && isWarm && machine.life === life)
    checks.fault(`${isolate.machine.name} had nothing to answer from`)
}

/** What the edge answers: the token of the version, or why it does not. */
async function ask(isolate: EdgeIsolate, { text }: SimKey, minVersion: string | null): Promise<string> {
  const headers = {
    authorization: `Bearer ${text}`,
    ...(minVersion && { 'halyard-min-version': minVersion }),
  }
  try {
    const { view } = await isolate.authorize(new Request('https://edge.test/v1/evaluate', { headers }))
    return view.copy.token
  } catch (cause) {
    if (cause instanceof Refusal) return cause.code
    throw cause
  }
}

/** A client of the API repeats what failed, until it is told that it was done. */
async function insist(world: World, rows: Parameters<typeof write>[1]): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const at = await write(world, rows).catch(() => null) // oxlint-disable-line no-await-in-loop -- one after the other
    if (at) return
    await world.clock.sleep(1_000) // oxlint-disable-line no-await-in-loop -- the same
  }
}

/** The passing keys go in the end, whatever the database was restored to. */
function revocations({ keys }: World) {
  return keys.passing.map((key) => keyRow(key, false))
}

function expectPublished({ database, checks }: World): void {
  const { at } = database.content.state
  const head = checks.hubHead()
  if (!head || compareVersions(head, at) !== 0)
    checks.fault(`the hub holds ${head ? formatVersion(head) : 'nothing'}, committed is ${formatVersion(at)}`)
}

/** One more change, of which no relay is told at first: a heartbeat later everybody has it. */
async function probe(world: World, watch: () => void): Promise<void> {
  const { clock, network, hub, relays } = world
  const [lost] = relays
  network.weather = { ...network.weather, lost: 0 }
  if (lost) network.cuts.add([hub.machine.name, lost.machine.name].toSorted().join('|'))
  await writeTwo(world, watch)
  network.cuts.clear()
  await clock.runUntil(clock.now() + healMs, watch)
  expectPublished(world)
  expectReaders(world)
  await missMessage(world, watch)
  await expectConverged(world, watch)
}

/** One more, of which all sockets lose the message: the next heartbeat shows it. */
async function missMessage(world: World, watch: () => void): Promise<void> {
  const { clock, chance, network } = world
  void insist(world, [changeFlag(chance)])
  network.areSocketsMute = true
  await clock.runUntil(clock.now() + 2_000, watch)
  network.areSocketsMute = false
  await clock.runUntil(clock.now() + healMs, watch)
  expectPublished(world)
}

/**
 * Two changes by one publisher: the second is armed before the first is published, committed after that was read, and
 * nobody tells of it. The alarm has to.
 */
async function writeTwo(world: World, watch: () => void): Promise<void> {
  const { clock, chance, publishers } = world
  const publisher = chance.pick(publishers)
  void write(world, [changeFlag(chance)], { publisher }).catch(() => undefined)
  void write(world, [changeFlag(chance)], { publisher, pauseMs: 600, isSilent: true }).catch(() => undefined)
  await clock.runUntil(clock.now() + 4_000, watch)
}

/** All that can be had by listening, and by asking. */
async function expectConverged(world: World, watch: () => void): Promise<void> {
  const { checks, clock, isolates } = world
  expectReaders(world)
  const head = checks.hubHead()
  for (const isolate of isolates) if (head) void expectAnswers(world, isolate, formatVersion(head))
  await clock.runUntil(clock.now() + 5_000, watch)
}

function expectReaders({ checks, keys, relays, hub, readers, listeners }: World): void {
  const head = checks.hubHead()
  if (!head) return
  const token = formatVersion(head)
  for (const { machine, key, reader } of readers) {
    const { phase, version } = reader().status()
    const wanted = keys.passing.includes(key) ? 'refused' : `live ${token}`
    const found = phase === 'refused' ? phase : `${phase} ${version}`
    if (found !== wanted) checks.fault(`${machine.name} ends ${found}, not ${wanted}`)
  }
  const clientAt = hub.clientAt()
  if (clientAt !== null) checks.isClientChange(versionOf(clientAt))
  for (const { machine, key, state } of listeners) {
    const wanted = keys.passing.includes(key) ? 'refused' : clientAt
    const found = state.isRefused ? 'refused' : state.version && formatVersion(state.version)
    if (found !== wanted) checks.fault(`${machine.name} ends ${found}, not ${wanted}`)
  }
  for (const { name, wires } of relays) {
    const isDead = (keyId: string) => keys.passing.some(({ id }) => id === keyId)
    if ([...wires].some(({ keyId }) => isDead(keyId))) checks.fault(`${name} holds sockets of a revoked key`)
    const held = checks.held(storageName(name))
    if (wires.size > 0 && held !== token) checks.fault(`${name} ends at ${held}, not ${token}`)
  }
}

async function expectAnswers(
  { clock, keys, checks }: World,
  isolate: EdgeIsolate,
  token: string,
): Promise<void> {
  const { name } = isolate.machine
  // Whoever was not asked for long answers the first at once from what it holds, and says how old that is.
  for (const key of keys.lasting) await ask(isolate, key, null) // oxlint-disable-line no-await-in-loop -- one after the other
  await clock.sleep(1_500)
  for (const key of keys.lasting) {
    const found = await ask(isolate, key, null) // oxlint-disable-line no-await-in-loop -- one after the other
    if (found !== token) checks.fault(`${name} answers ${key.id} with ${found}, not ${token}`)
  }
  for (const key of keys.passing) {
    const found = await ask(isolate, key, null) // oxlint-disable-line no-await-in-loop -- one after the other
    if (found !== 'KEY_INVALID') checks.fault(`${name} answers a revoked key with ${found}`)
  }
}
