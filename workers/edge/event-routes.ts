import { answerText } from './answer.ts'
import { authorize } from './authorize.ts'
import { readBatch } from './event-batch.ts'
import { inTime } from './flight.ts'
import { Refusal } from './refusal.ts'
import { readJsonObject } from './request-body.ts'
import type { RouteScope } from './route-scope.ts'
import { toMessages } from './usage-messages.ts'

const queueTimeoutMs = 5_000
const retrySpreadSec = 30

/** Takes a batch of events: it is answered once it is on the queue, and counted some seconds later. */
export async function receiveEvents({ request, edge, ports }: RouteScope): Promise<Response> {
  const { key, view } = await authorize(edge, request, ports)
  const { members } = await readJsonObject(request, 'eventsBytes')
  const { id, counts } = readBatch(members, ports.now())
  const messages = toMessages({ environment: view.environment, id, source: key.class }, counts)
  try {
    await inTime(Promise.all(messages.map(edge.usage.send)), queueTimeoutMs, ports)
  } catch (cause) {
    // The sender keeps it: parts that were taken are not counted again.
    ports.report(view.environment, `the queue did not take events: ${String(cause)}`)
    throw notTaken()
  }
  return answerText(202, `{"accepted":${counts.length}}`)
}

function notTaken(): Refusal {
  const headers = { 'Retry-After': String(1 + Math.floor(Math.random() * retrySpreadSec)) }
  return new Refusal('UNAVAILABLE', 'events cannot be taken just now: send the batch again under its id', {
    headers,
  })
}
