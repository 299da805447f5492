import { setTimeout as wait } from 'node:timers/promises'
import { kvNames } from '@halyard/shared/protocol/hub.ts'
import { parseKey } from '@halyard/shared/protocol/keys.ts'
import { parseVersion } from '@halyard/shared/protocol/version.ts'
import { startBetweenStack, type BetweenStack } from './between-stack.ts'
import type { Drill } from './drill.ts'
import { converge, environments, playOn, requireAnswers, startCold, write, type Scene } from './scene.ts'
import { until } from './until.ts'

export const kvThrows = drillFor('throws', 'KV throws at every read and write')
export const kvHangs = drillFor('hangs', 'KV never answers')

const writes = { short: 3, long: 30 }
const propagationMaxMs = 10_000
const withoutHubMs = { short: 4_000, long: 60_000 }
/** A write that failed is tried again within a minute. */
const kvMaxMs = 90_000

function drillFor(how: 'throws' | 'hangs', about: string): Drill {
  return {
    name: `kv-${how}`,
    about: `${about}: everything goes on through the hub, and without it from memory; KV is filled afterwards`,
    run: async (run) => await playOn(run, await startBetweenStack(run), (scene) => play(scene, how)),
  }
}

async function play(
  scene: Scene<BetweenStack>,
  how: 'throws' | 'hangs',
): Promise<Record<string, string | number>> {
  const { stack, isShort } = scene
  await stack.order({ kv: how })
  let slowestMs = 0
  await requireAnswers(scene, `while KV ${how}`, async () => {
    for (let i = 0; i < (isShort ? writes.short : writes.long); i++) {
      await write(scene) // oxlint-disable-line no-await-in-loop -- one after another
      slowestMs = Math.max(slowestMs, await converge(scene, `while KV ${how}`, propagationMaxMs)) // oxlint-disable-line no-await-in-loop
    }
  })
  const coldMs = await startCold(scene, `while KV ${how}`)
  await converge(scene, `after a cold start while KV ${how}`, 2 * propagationMaxMs)
  await stack.order({ kv: how, hub: 'throws' })
  await requireAnswers(scene, `while KV ${how} and the hub throws`, async () => {
    await wait(isShort ? withoutHubMs.short : withoutHubMs.long)
  })
  await stack.order({})
  await write(scene)
  const filledMs = await fillKv(scene)
  return {
    'slowest change to all readers (ms)': slowestMs,
    'first answer of a cold edge (ms)': coldMs,
    'KV at head afterwards (ms)': filledMs,
  }
}

/** KV itself comes to hold the heads. */
async function fillKv({ stack, heads, fail }: Scene<BetweenStack>): Promise<number | string> {
  const isFilled = async () => {
    const values = environments.map(async (environment) => {
      const id = `env_${parseKey(stack.seed.environments[environment].serverKey)?.publicId}`
      return versionIn(await stack.readKv(kvNames.snapshot(id))) === heads.get(environment)?.version
    })
    return (await Promise.all(values)).every(Boolean)
  }
  const ms = await until(isFilled, kvMaxMs)
  if (ms === null) fail(`KV does not hold the heads ${kvMaxMs} ms after it works again`)
  return ms === null ? 'never' : Math.round(ms)
}

function versionIn(value: string): number | undefined {
  if (value === '') return undefined
  const { signedHead } = JSON.parse(value.slice(0, value.indexOf('\n'))) as { signedHead: string } // the hub's own
  const { epoch, version } = JSON.parse(Buffer.from(signedHead.split('.')[1] ?? '', 'base64url').toString())
  return parseVersion(`${epoch}.${version}`)?.version
}
