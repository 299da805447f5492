import { expect, test } from 'vitest'
import { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import type { ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import recorded from '../hub/recorded/before-relays.json'
import { edgeEnv, noPlaces } from './test-kit.ts'
import { askAgain } from './view-kit.ts'
import { makeViewPorts } from './view-ports.ts'
import { makeView } from './view-state.ts'
import { freshen, isCurrent } from './view.ts'

/** What the hub answered before it knew of deltas and relays, oldest first. */
const answers = recorded.calls
  .filter(({ method, answer }) => method === 'read' && answer !== null)
  .map(({ args, answer }) => ({ held: args[1], answer: answer as ReadAnswer })) // as that hub typed it

/** An edge of today before that hub, which passes over what it does not know. */
function makeOld() {
  const asked: unknown[] = []
  const clock = { now: Math.max(...answers.map(({ answer }) => answer.confirmedAt)) }
  const read = async (_: string, held: { snapshotHash?: string; accessHash?: string }) => {
    asked.push(held)
    const { snapshotHash, accessHash } = held
    const known = JSON.stringify({ ...(snapshotHash && { snapshotHash }), ...(accessHash && { accessHash }) })
    const last = answers.findLast((call) => JSON.stringify(call.held) === known)
    if (!last) throw new Error(`nothing was recorded for ${known}`)
    return { ...last.answer, confirmedAt: clock.now }
  }
  const env = {
    ...edgeEnv,
    HUB: { ...edgeEnv.HUB, read } as unknown as typeof edgeEnv.HUB,
    TRUSTED_KEYS: JSON.stringify(recorded.trustedKeys),
  }
  const ports = { ...makeViewPorts(env, { now: () => clock.now, caches: noPlaces }), defer: () => undefined }
  return { view: makeView(recorded.environment, clock.now), ports, clock, asked }
}

test('a new edge reads from an old hub: whole bodies, though it takes deltas', async () => {
  expect(parseTrustedKeys(JSON.stringify(recorded.trustedKeys))).toHaveLength(1)
  const { view, ports, clock, asked } = makeOld()
  await freshen(view, ports)
  expect([view.copy?.token, view.isConfirmed, view.refusedCount]).toEqual(['1.1', true, 0])
  clock.now += 5_000
  await askAgain(view, ports)
  expect([view.copy?.token, view.refusedCount]).toEqual(['1.2', 0])
  expect(asked).toMatchObject([{}, { takesDeltas: true }])
  clock.now += 5_000
  await askAgain(view, ports)
  expect([view.copy?.token, isCurrent(view, clock.now)]).toEqual(['1.2', true])
})
