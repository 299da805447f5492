/** Answers what a visitor gets: `GET /?user=anna&country=DE`. Evaluated in this process: no request waits for the edge. */
import { createServer } from 'node:http'
import { createClient } from '@halyard/sdk/server'

const {
  HALYARD_EDGE: edge = 'http://localhost:8788',
  HALYARD_KEY: key = '',
  PORT: port = '3000',
} = process.env

const flags = createClient({ edge, key, logger: console })
await flags.ready() // at most 5 s; without an edge the defaults below stand

const server = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://shop')
  const targetingKey = searchParams.get('user') ?? 'nobody'
  const country = searchParams.get('country')
  // One version for the whole request, whatever is published meanwhile.
  const mine = flags.snapshot({ targetingKey, ...(country && { country }) })
  response.setHeader('content-type', 'application/json')
  response.end(
    JSON.stringify({
      newCheckout: mine.isEnabled('new-checkout'),
      theme: mine.string('checkout-theme', 'classic'),
    }),
  )
})

server.listen(Number(port), () => console.log(`http://localhost:${port}/?user=anna&country=DE`))

process.once('SIGTERM', async () => {
  server.close()
  await flags.close() // sends what was counted
})
