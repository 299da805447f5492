/** Answers what a visitor gets: `GET /?user=anna&country=DE`. Evaluated in the Worker, from the copy that its isolate holds. */
import { env } from 'cloudflare:workers'
import { createClient } from '@halyard/sdk/workers'

const { HALYARD_EDGE, HALYARD_KEY } = env as unknown as Record<'HALYARD_EDGE' | 'HALYARD_KEY', string> // wrangler.toml and a secret
const flags = createClient({ edge: HALYARD_EDGE, key: HALYARD_KEY, logger: console })

export default {
  fetch: async (request: Request): Promise<Response> => {
    await flags.ready()
    const { searchParams } = new URL(request.url)
    const targetingKey = searchParams.get('user') ?? 'nobody'
    const country = searchParams.get('country')
    // One version for the whole request, whatever is published meanwhile.
    const mine = flags.snapshot({ targetingKey, ...(country && { country }) })
    return Response.json({
      newCheckout: mine.isEnabled('new-checkout'),
      theme: mine.string('checkout-theme', 'classic'),
    })
  },
}
