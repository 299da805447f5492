/** What bare workerd can do: no edge can be faster. Measured beside ours, in the same run. */

/** A Worker that answers two words. */
export const helloWorker = `export default { fetch() { return new Response('hello, world') } }`

/** A Worker that parses a small JSON body and answers another of about 300 bytes. */
export const jsonWorker = `
const answer = { key: 'flag-0', value: true, variant: 'on', reason: 'TARGETING_MATCH', metadata: { ruleId: 'x'.repeat(180) } }
export default {
  async fetch(request) {
    const { context } = await request.json()
    return Response.json({ ...answer, variant: context.targetingKey === 'nobody' ? 'off' : 'on' })
  },
}`
