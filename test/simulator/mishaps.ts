/** What goes wrong in a storm. Each mishap mends by itself, or when the storm is over. */
import { calmKv } from './kv.ts'
import { keyRow, write } from './control.ts'
import { raiseEpoch, restore, setFrozen } from './database.ts'
import { calm, cutName, die } from './network.ts'
import { scope } from './publisher-object.ts'
import type { World } from './world.ts'

const restoresMax = 2

type Mishap = (world: World) => void

/** Some happen more often than others. */
const mishaps: readonly (readonly [weight: number, happen: Mishap])[] = [
  [6, changeWeather],
  [5, cutNetwork],
  [1, cutRelayOff],
  [3, crashHub],
  [4, crashRelay],
  [4, hibernate],
  [3, crashPublisher],
  [3, restartIsolate],
  [2, restartReader],
  [2, crashControl],
  [2, stopDatabase],
  [3, breakWires],
  [3, spoilKv],
  [2, spoilCache],
  [1, freezePublishing],
  [1, restoreDatabase],
  [1, revokeKey],
]
const totalWeight = mishaps.reduce((sum, [weight]) => sum + weight, 0)

export function happenSomething(world: World): void {
  let at = world.chance.next() * totalWeight
  for (const [weight, happen] of mishaps) {
    at -= weight
    if (at < 0) return happen(world)
  }
}

/** Everything works again. What the database forgot is found out by whoever writes next, if nobody knows of it yet. */
export function mendAll({ network, kv, locations, database, clock }: World): void {
  network.weather = calm
  network.cuts.clear()
  kv.weather = calmKv
  for (const location of locations) {
    location.kv.frozenUntil = -Infinity
    location.cache.failed = 0
  }
  setFrozen(database.content, false, clock.now())
  database.machine.isUp = true
}

/** The operator raises the epoch, and has published what waits. */
export function raise(world: World): void {
  const { chance, clock, database, network, control, publishers, trace } = world
  if (!database.machine.isUp) return
  const { epoch, version } = raiseEpoch(database.content, clock.now())
  trace('operator', `the epoch is raised: ${epoch}.${version}`)
  const publisher = chance.pick(publishers)
  const sweep = () => publisher.run((core) => core.sweep(scope))
  void network.call(control, publisher.machine, sweep).catch(() => undefined)
}

function changeWeather({ chance, network, trace }: World): void {
  network.weather = chance.hits(0.3)
    ? calm
    : {
        lost: chance.next() * 0.3,
        doubled: chance.next() * 0.2,
        late: chance.next() * 0.4,
        lateMaxMs: chance.between(100, 6_000),
      }
  trace('storm', `weather ${JSON.stringify(network.weather)}`)
}

function cutNetwork({
  chance,
  clock,
  network,
  hub,
  relays,
  isolates,
  publishers,
  database,
  trace,
}: World): void {
  const relay = chance.pick(relays).machine.name
  const isolate = chance.pick(isolates).machine.name
  const publisher = chance.pick(publishers).machine.name
  const name = chance.pick([
    cutName(hub.machine.name, relay),
    cutName(hub.machine.name, relay),
    cutName(hub.machine.name, isolate),
    cutName(isolate, relay),
    cutName(publisher, hub.machine.name),
    cutName(publisher, database.machine.name),
  ])
  network.cuts.add(name)
  const ms = chance.between(500, 80_000)
  trace('storm', `cut ${name} for ${ms}`)
  clock.after(ms, () => network.cuts.delete(name))
}

/** For so long that who then begins with it is told of a past that is long over. */
function cutRelayOff({ chance, clock, network, hub, relays, readers, trace }: World): void {
  const name = cutName(hub.machine.name, chance.pick(relays).machine.name)
  network.cuts.add(name)
  const ms = chance.between(40_000, 90_000)
  trace('storm', `cut ${name} for ${ms}`)
  clock.after(ms, () => network.cuts.delete(name))
  clock.after(ms / 2, () => chance.pick(readers).restart())
}

function crashHub({ chance, hub, trace }: World): void {
  trace('storm', 'the hub crashes')
  hub.crash(chance.between(0, 5_000))
}

function crashRelay({ chance, relays, trace }: World): void {
  const relay = chance.pick(relays)
  trace('storm', `${relay.name} crashes`)
  relay.crash(chance.between(0, 5_000))
}

function hibernate({ relays, hub, trace }: World): void {
  trace('storm', 'objects go to sleep')
  for (const object of [...relays, hub]) object.hibernate()
}

function crashPublisher({ chance, publishers, trace }: World): void {
  const publisher = chance.pick(publishers)
  trace('storm', `${publisher.machine.name} crashes`)
  publisher.crash(chance.between(0, 5_000))
}

function restartIsolate({ chance, isolates, trace }: World): void {
  const isolate = chance.pick(isolates)
  trace('storm', `${isolate.machine.name} is replaced`)
  isolate.restart()
}

function restartReader({ chance, readers, listeners, trace }: World): void {
  const reader = chance.pick([...readers, ...listeners])
  trace('storm', `${reader.machine.name} is restarted`)
  reader.restart()
}

function crashControl({ control, trace }: World): void {
  trace('storm', 'control is restarted')
  die(control)
}

function stopDatabase({ chance, clock, database, trace }: World): void {
  const ms = chance.between(500, 30_000)
  trace('storm', `the database is down for ${ms}`)
  database.machine.isUp = false
  die(database.machine)
  clock.after(ms, () => {
    database.machine.isUp = true
  })
}

function breakWires({ chance, relays, trace }: World): void {
  const relay = chance.pick(relays)
  trace('storm', `sockets of ${relay.name} break`)
  for (const wire of relay.wires) if (chance.hits(0.5)) wire.break()
}

function spoilKv({ chance, clock, kv, locations, trace }: World): void {
  kv.weather = { failed: chance.pick([0, 0.1, 0.5, 1]), lagMaxMs: chance.pick([1_000, 60_000, 120_000]) }
  const frozenMs = chance.pick([0, 60_000, 180_000])
  chance.pick(locations).kv.frozenUntil = clock.now() + frozenMs
  trace('storm', `KV ${JSON.stringify(kv.weather)}, frozen somewhere for ${frozenMs}`)
}

function spoilCache({ chance, locations, trace }: World): void {
  const failed = chance.pick([0, 0.1, 1])
  chance.pick(locations).cache.failed = failed
  trace('storm', `a location's cache fails in ${failed}`)
}

function freezePublishing({ chance, clock, database, trace }: World): void {
  const ms = chance.between(5_000, 60_000)
  trace('storm', `publishing is frozen for ${ms}`)
  setFrozen(database.content, true, clock.now())
  clock.after(ms, () => setFrozen(database.content, false, clock.now()))
}

/** Back to an earlier version. The operator raises the epoch some time later, or when writes are refused. */
function restoreDatabase(world: World): void {
  const { chance, clock, database, trace } = world
  const { content } = database
  if (content.restores >= restoresMax) return
  const commit = chance.pick(content.commits.slice(-30))
  trace('storm', `the database is restored to ${commit.state.at.epoch}.${commit.state.at.version}`)
  restore(content, commit)
  if (chance.hits(0.5)) clock.after(chance.between(1_000, 30_000), () => raise(world))
}

/** Once revoked it stays so, unless the database forgets. */
function revokeKey(world: World): void {
  const { chance, keys, trace } = world
  const key = chance.pick(keys.passing)
  trace('storm', `${key.id} is revoked`)
  void write(world, [keyRow(key, false)]).catch(() => undefined)
}
