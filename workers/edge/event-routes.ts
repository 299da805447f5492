import { answerText } from './answer.ts'
import { authorize } from './authorize.ts'
import { readBatch } from './event-batch.ts'
import { inTime } from './flight.ts'
import { isWithin } from './rate-limit.ts'
import { comeBackLater } from './refusal.ts'
import { readJsonObject } from './request-body.ts'
import type { RouteScope } from './route-scope.ts'
import { toMessages } from './usage-messages.ts'

const queueTimeoutMs = 5_000
const retrySpreadSec = 30
/** As in wrangler.toml. */
const limitPeriodSec = 10

/** Takes a batch of events: it is answered once it is on the queue, and counted some seconds later. */
export async function receiveEvents({ request, edge, ports }: RouteScope): Promise<Response> {
  const { key, view } = await authorize(edge, request, ports)
  if (!(await isWithin(edge.eventBatches, `${view.environment}/${key.class}`))) {
    const why = 'too many batches came just now: send fewer and larger ones'
    throw comeBackLater(why, { code: 'RATE_LIMITED', atLeast: limitPeriodSec })
  }
  const { members } = await readJsonObject(request, 'eventsBytes')
  const { id, counts } = readBatch(members, ports.now())
  const messages = toMessages({ environment: view.environment, id, source: key.class }, counts)
  try {
    await inTime(Promise.all(messages.map(edge.usage.send)), queueTimeoutMs, ports)
  } catch (cause) {
    // The sender keeps it: parts that were taken are not counted again.
    ports.report(view.environment, `the queue did not take events: ${String(cause)}`)
    const why = 'events cannot be taken just now: send the batch again under its id'
    throw comeBackLater(why, { spread: retrySpreadSec })
  }
  return answerText(202, `{"accepted":${counts.length}}`)
}
