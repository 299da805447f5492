import { expect, test, vi } from 'vitest'
import { sweepAll } from './sweep.ts'

const waiting = (...ids: string[]) => ids.map((id) => ({ org_id: 'org', environment_id: id }))

test('an environment whose publisher hangs or fails holds up neither its round nor the next', async () => {
  const rounds = [waiting('hangs', 'a', 'fails'), waiting('b')]
  const swept: string[] = []
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  await sweepAll({
    claim: async () => rounds.shift() ?? [],
    sweep: async ({ environmentId }) => {
      if (environmentId === 'hangs') return await new Promise(() => {})
      if (environmentId === 'fails') throw new Error('no answer')
      swept.push(environmentId)
    },
    waitMs: 10,
  })
  const events = log.mock.calls.map(([text]) => JSON.parse(String(text)))
  log.mockRestore()
  expect(swept).toEqual(['a', 'b'])
  expect(events.map(({ event, environmentId }) => [event, environmentId])).toEqual([
    ['sweep_failed', 'fails'],
    ['sweep_failed', 'hangs'],
  ])
})
