import { expect, test } from 'vitest'
import type { HubEnv } from './env.ts'
import { formatFull, fullHeader, routeStream, shardsMax, type ShardsCache } from './stream-route.ts'

const environment = 'env_1'
const request = () =>
  new Request(`https://hub/stream?environment=${environment}&region=weur`, {
    headers: { Upgrade: 'websocket' },
  })

test('when all relays that a region may have are full, streams are told when to come back, and no more are made', async () => {
  const asked: string[] = []
  // Half a million sockets do not fit in a test: these only say that they are full.
  const RELAYS = {
    getByName: (name: string) => ({
      fetch: async () => {
        asked.push(name)
        const shards = Number(name.slice(name.lastIndexOf('/') + 1)) + 2
        return new Response('no room', { status: 503, headers: { [fullHeader]: formatFull(shards) } })
      },
    }),
  } as unknown as HubEnv['RELAYS']
  const env = { RELAYS } as HubEnv
  const cache: ShardsCache = new Map()
  for (let each = 0; each < 600; each++) {
    const response = await routeStream(env, request(), cache)
    expect(response.status).toBe(503)
    expect(response.headers.get('Retry-After')).toMatch(/^[1-5]$/)
    expect(response.headers.has(fullHeader)).toBe(false)
  }
  const shards = asked.map((name) => Number(name.slice(name.lastIndexOf('/') + 1)))
  expect(Math.max(...shards)).toBe(shardsMax - 1)
})
