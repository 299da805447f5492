/** A Worker of a user, for the tests of the Workers client: it answers with what its flags give, and what it is told to do. */
import { createClient } from './index.ts'

const edge: string = EDGE
const key: string = KEY
const client = createClient({ edge, key, logger: { debug: () => {}, warn: () => {}, error: () => {} } })
/** Where nothing may be asked or waited for. */
const wasReady = await client.ready()
client.snapshot()

// oxlint-disable-next-line import/no-default-export -- a Worker has one
export default {
  fetch: async (request: Request): Promise<Response> => {
    const isReady = await client.ready()
    const flags = client.snapshot({ targetingKey: 'user-1' })
    const { pathname } = new URL(request.url)
    if (pathname === '/flush') await client.flush()
    if (pathname === '/track') client.track('bought', {}, { value: 5 })
    return Response.json({
      wasReady,
      isReady,
      isOn: flags.boolean('checkout', false),
      code: flags.booleanDetails('checkout', false).errorCode ?? null,
      forBrowser: client.forBrowser({ targetingKey: 'user-1' }).flags,
      ...client.status(),
    })
  },
}

/** What esbuild puts in their place. */
declare const EDGE: string
declare const KEY: string
