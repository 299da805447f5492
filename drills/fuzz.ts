import { setTimeout as wait } from 'node:timers/promises'
import { makeHeadVerifier } from '@halyard/shared/protocol/head.ts'
import { parseKey } from '@halyard/shared/protocol/keys.ts'
import type { EnvironmentName } from '../dev/seed.ts'
import { spoils } from './between/spoil.ts'
import { startBetweenStack, type BetweenStack } from './between-stack.ts'
import type { Drill } from './drill.ts'
import { fromNewerCompiler, refusedAnswers, unknownFlag, type Truth, type Whole } from './planted.ts'
import { converge, environments, playOn, requireAnswers, startElsewhere, write, type Scene } from './scene.ts'
import { until } from './until.ts'

export const fuzz: Drill = {
  name: 'fuzz',
  about:
    'damaged and hostile bytes from hub, KV and streams: no reader crashes, blanks or tears; refusals are counted',
  run: async (run) => await playOn(run, await startBetweenStack(run), play, { isSpoiled: true }),
}

type FuzzScene = Scene<BetweenStack>

/** The edge asks its hub every one or two seconds. */
const stepMs = { short: 1_700, long: 15_000 }
const streamStepMs = { short: 400, long: 5_000 }
const recoverMaxMs = 60_000

async function play(scene: FuzzScene): Promise<Record<string, string | number>> {
  const { stack, fail } = scene
  const old = await readHubs(stack)
  for (let i = 0; i < 2; i++) await write(scene) // oxlint-disable-line no-await-in-loop -- two versions more, one after another
  await converge(scene, 'before anything was spoiled', recoverMaxMs)
  const spoilt = await countRefusals(scene, () => spoilHub(scene))
  const planted = await countRefusals(scene, () => plantAtHub(scene, old))
  await spoilStreams(scene)
  const cold = await spoilKv(scene)
  await acceptNewer(scene, old)
  await stack.order({})
  for (let i = 0; i < 2; i++) await write(scene) // oxlint-disable-line no-await-in-loop -- beyond the version that was planted
  const recoveredMs = await converge(scene, 'after all of it', recoverMaxMs)
  const sdkRefusals = scene.readers.sdks.map((sdk) => sdk.status().refusedCount).reduce((a, b) => a + b, 0)
  if (spoilt === 0 || planted === 0 || sdkRefusals === 0) fail('some refusals are not counted')
  return {
    'refused by the edge, spoiled': spoilt,
    'refused by the edge, planted': planted,
    'refused by the SDK': sdkRefusals,
    'cold answers from spoiled KV': cold,
    'all at head afterwards (ms)': recoveredMs,
  }
}

/** The hub's answers are damaged on their way, while things change: whoever holds a copy answers from it. */
async function spoilHub(scene: FuzzScene): Promise<void> {
  const { stack, isShort } = scene
  for (const spoil of spoils) {
    await stack.order({ spoil, place: 'hub' }) // oxlint-disable-line no-await-in-loop -- one fault at a time
    await write(scene) // oxlint-disable-line no-await-in-loop -- what is not newer is not even looked at
    // oxlint-disable-next-line no-await-in-loop
    await requireAnswers(scene, `while the hub's answers are spoiled (${spoil})`, async () => {
      await wait(isShort ? stepMs.short : stepMs.long)
    })
  }
  await stack.order({})
}

/** The hub's place is taken by somebody who answers well-formed things that are not to be taken. */
async function plantAtHub(scene: FuzzScene, old: Hubs): Promise<void> {
  const { stack, isShort } = scene
  for (const [name, make] of Object.entries(refusedAnswers)) {
    for (const environment of environments) {
      const answer = await make(await truthOf(stack, old, environment), stack.secrets) // oxlint-disable-line no-await-in-loop -- one fault at a time
      await stack.plant(idOf(stack, environment), JSON.stringify(answer)) // oxlint-disable-line no-await-in-loop
    }
    await stack.order({ planted: 'hub' }) // oxlint-disable-line no-await-in-loop
    await requireAnswers(
      scene,
      `while the hub answers ${name}`,
      async () => void (await wait(isShort ? stepMs.short : stepMs.long)),
    ) // oxlint-disable-line no-await-in-loop
  }
  await stack.order({})
}

/** Every message to a subscriber is damaged while things change. */
async function spoilStreams(scene: FuzzScene): Promise<void> {
  const { stack, isShort } = scene
  for (const spoil of spoils) {
    await stack.order({ spoil, place: 'stream' }) // oxlint-disable-line no-await-in-loop -- one fault at a time
    await write(scene) // oxlint-disable-line no-await-in-loop
    await wait(isShort ? streamStepMs.short : streamStepMs.long) // oxlint-disable-line no-await-in-loop
  }
  await stack.order({})
  await converge(scene, 'after streams were spoiled', recoverMaxMs)
}

/** A cold edge without its hub reads KV: what is damaged there must not be answered from. */
async function spoilKv(scene: FuzzScene): Promise<string> {
  const { stack, fail } = scene
  const seen = new Set<number>()
  await stack.order({ hub: 'throws', kv: 'throws' })
  await startElsewhere(scene, 'with nothing to read', 503)
  for (const spoil of spoils) {
    await stack.order({ hub: 'throws', spoil, place: 'kv' }) // oxlint-disable-line no-await-in-loop -- one fault at a time
    const status = await evaluate(stack, 'new-checkout') // oxlint-disable-line no-await-in-loop
    seen.add(status)
    if (status !== 503 && status !== 200) fail(`from KV spoiled (${spoil}), a cold edge answered ${status}`)
  }
  await stack.order({ hub: 'throws' })
  if ((await until(async () => (await evaluate(stack, 'new-checkout')) === 200, recoverMaxMs)) === null)
    fail('a cold edge does not start from KV that is whole again')
  await stack.order({})
  await converge(scene, 'after KV was spoiled', recoverMaxMs)
  return [...seen].join(', ')
}

/** A signed snapshot of a newer compiler is taken: what it holds that is not known gives errors, the rest works. */
async function acceptNewer(scene: FuzzScene, old: Hubs): Promise<void> {
  const { stack, fail } = scene
  for (const environment of environments) {
    const answer = await fromNewerCompiler(await truthOf(stack, old, environment), stack.secrets) // oxlint-disable-line no-await-in-loop -- in order
    await stack.plant(idOf(stack, environment), JSON.stringify(answer)) // oxlint-disable-line no-await-in-loop
  }
  await stack.order({ planted: 'hub' })
  await requireAnswers(scene, 'with an operator that is not known', async () => {
    if ((await until(() => knows(stack), recoverMaxMs)) === null)
      fail('a snapshot with an unknown operator was not taken')
  })
  const status = await evaluate(stack, unknownFlag)
  if (status >= 500) fail(`a flag with an unknown operator answered ${status}`)
}

type Hubs = Readonly<Record<string, Whole>>

async function readHubs(stack: BetweenStack): Promise<Hubs> {
  const read = async (environment: EnvironmentName) => [
    environment,
    await stack.readHub(idOf(stack, environment)),
  ]
  return Object.fromEntries(await Promise.all(environments.map(read)))
}

async function truthOf(stack: BetweenStack, old: Hubs, environment: EnvironmentName): Promise<Truth> {
  const hubs = await readHubs(stack)
  const other = environments.find((each) => each !== environment)
  const [answer, before, another] = [hubs[environment], old[environment], other && hubs[other]]
  const head = answer && (await makeHeadVerifier(stack.secrets.trustedKeys)(answer.signedHead))
  if (!head || !before || !another) throw new Error(`the hub holds nothing of ${environment}`)
  return { head, answer, old: before, other: another }
}

/** How many more refusals the edge tells of after `work`. */
async function countRefusals({ stack }: FuzzScene, work: () => Promise<void>): Promise<number> {
  const before = await refusals(stack)
  await work()
  return (await refusals(stack)) - before
}

async function refusals({ urls, seed }: BetweenStack): Promise<number> {
  const counts = environments.map(async (environment) => {
    const authorization = `Bearer ${seed.environments[environment].serverKey}`
    const response = await fetch(`${urls.edge}/v1/status`, { headers: { authorization } })
    return Number(((await response.json()) as { refused?: number }).refused ?? 0) // as the edge documents
  })
  return (await Promise.all(counts)).reduce((a, b) => a + b, 0)
}

async function evaluate({ urls, seed }: BetweenStack, flag: string): Promise<number> {
  const response = await fetch(`${urls.edge}/ofrep/v1/evaluate/flags/${flag}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${seed.environments.production.serverKey}`,
      'content-type': 'application/json',
    },
    body: '{"context":{"targetingKey":"user-1","plan":"team"}}',
  })
  await response.text()
  return response.status
}

async function knows(stack: BetweenStack): Promise<boolean> {
  return (await evaluate(stack, unknownFlag)) !== 404
}

function idOf({ seed }: BetweenStack, environment: EnvironmentName): string {
  return `env_${parseKey(seed.environments[environment].serverKey)?.publicId}`
}
